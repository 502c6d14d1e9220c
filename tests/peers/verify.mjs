// Reads {"keys": {name: jwk}, "tokens": [{"text", "key", "alg"}]} and says for each token whether jose verifies its signature:
// true, false, or null where jose has no such algorithm.
import { readFileSync } from "node:fs";
import { compactVerify, importJWK } from "jose";

const { keys, tokens } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const said = [];
for (const { text, key, alg } of tokens) {
  let imported;
  try {
    imported = await importJWK(keys[key], alg);
  } catch {
    said.push(null);
    continue;
  }
  try {
    await compactVerify(text, imported, { algorithms: [alg] });
    said.push(true);
  } catch (error) {
    said.push(error.code === "ERR_JOSE_NOT_SUPPORTED" ? null : false);
  }
}
process.stdout.write(JSON.stringify(said));
