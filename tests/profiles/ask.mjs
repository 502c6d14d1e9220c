// Says for each token of {"setups", "issuer", "secret", "tokens": [{"text", "now", "setup", "kids"}]} what jsonwebtoken (with jwks-rsa) or
// jose raises at that time; the empty text where it accepts the token.
import { readFileSync } from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { JwksClient } from "jwks-rsa";

const [library, file] = process.argv.slice(2);
const { setups, issuer, secret, tokens } = JSON.parse(readFileSync(file, "utf8"));

const clock = Date.now;
let now = 0;
Date.now = () => now;

const told = (error) => (error ? `${error.name}: ${error.message}` : "");
// The key set that is published at the time of the token in hand.
let published = null;
const client = new JwksClient({ jwksUri: "https://auth.example.com/jwks.json", cache: false, fetcher: async () => published });
const key = (header, done) => client.getSigningKey(header.kid, (error, key) => done(error, key?.getPublicKey()));

const ask = {
  jsonwebtoken: (token, { audiences, algorithms, leeway }) =>
    new Promise((resolve) => {
      const options = { issuer };
      if (audiences) options.audience = audiences;
      if (algorithms) options.algorithms = algorithms;
      if (leeway) options.clockTolerance = leeway;
      try {
        jsonwebtoken.verify(token.text, published ? key : secret, options, (error) => resolve(told(error)));
      } catch (error) {
        resolve(told(error));
      }
    }),
  jose: async (token, { audiences, algorithms, leeway }) => {
    const options = { issuer, currentDate: new Date(now) };
    if (audiences) options.audience = audiences;
    if (algorithms) options.algorithms = algorithms;
    if (leeway) options.clockTolerance = leeway;
    try {
      await jwtVerify(token.text, published ? createLocalJWKSet(published) : new TextEncoder().encode(secret), options);
      return "";
    } catch (error) {
      return told(error);
    }
  },
}[library];

// An error thrown in a callback of jsonwebtoken, which would end a server.
let uncaught;
process.on("uncaughtException", (error) => uncaught(told(error)));
process.on("unhandledRejection", (error) => uncaught(told(error)));

const said = [];
for (const token of tokens) {
  now = Math.floor(token.now * 1000);
  const { jwks } = setups[token.setup];
  published = jwks && { keys: jwks.keys.filter(({ kid }) => token.kids.includes(kid)) };
  said.push(await new Promise((resolve) => {
    uncaught = resolve;
    ask(token, setups[token.setup]).then(resolve);
  }));
}
Date.now = clock;
process.stdout.write(JSON.stringify(said));
