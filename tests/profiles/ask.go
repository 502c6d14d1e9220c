// Says for each token of {"setups", "issuer", "secret", "tokens": [{"text", "now", "setup", "kids"}]} what golang-jwt v5 raises at
// that time; the empty text where it accepts the token. The keys of a set are looked up as MicahParks/keyfunc v3 does it.
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type work struct {
	Setups map[string]struct {
		Audiences  []string
		Algorithms []string
		Leeway     int
		Jwks       *struct{ Keys []map[string]string }
	}
	Issuer string
	Secret string
	Tokens []struct {
		Text  string
		Now   float64
		Setup string
		Kids  []string
	}
}

var errKeyfunc = errors.New("failed keyfunc")

// Joins as errors.Join of later versions of Go does.
type joined []error

func (j joined) Error() string { return j[0].Error() + "\n" + j[1].Error() }

func number(text string) *big.Int {
	bytes, _ := base64.RawURLEncoding.DecodeString(text)
	return new(big.Int).SetBytes(bytes)
}

func public(jwk map[string]string) interface{} {
	switch jwk["kty"] {
	case "RSA":
		return &rsa.PublicKey{N: number(jwk["n"]), E: int(number(jwk["e"]).Int64())}
	case "EC":
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(jwk["x"]), Y: number(jwk["y"])}
	default:
		bytes, _ := base64.RawURLEncoding.DecodeString(jwk["x"])
		return ed25519.PublicKey(bytes)
	}
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

func main() {
	bytes, _ := os.ReadFile(os.Args[1])
	var w work
	if err := json.Unmarshal(bytes, &w); err != nil {
		panic(err)
	}
	said := []string{}
	for _, token := range w.Tokens {
		setup, published := w.Setups[token.Setup], token.Kids
		now := time.UnixMilli(int64(token.Now * 1000))
		options := []jwt.ParserOption{jwt.WithIssuer(w.Issuer), jwt.WithTimeFunc(func() time.Time { return now })}
		options = append(options, jwt.WithLeeway(time.Duration(setup.Leeway)*time.Second))
		if setup.Algorithms != nil {
			options = append(options, jwt.WithValidMethods(setup.Algorithms))
		}
		if setup.Audiences != nil {
			options = append(options, jwt.WithAudience(setup.Audiences...))
		}
		keyfunc := func(token *jwt.Token) (interface{}, error) {
			if setup.Jwks == nil {
				return []byte(w.Secret), nil
			}
			kidInter, ok := token.Header["kid"]
			if !ok {
				return nil, fmt.Errorf("%w: could not find kid in JWT header", errKeyfunc)
			}
			kid, ok := kidInter.(string)
			if !ok {
				return nil, fmt.Errorf("%w: could not convert kid in JWT header to string", errKeyfunc)
			}
			alg, _ := token.Header["alg"].(string)
			for _, jwk := range setup.Jwks.Keys {
				if jwk["kid"] != kid || !contains(published, kid) {
					continue
				}
				if a := jwk["alg"]; a != "" && a != alg {
					return nil, fmt.Errorf(`%w: JWK "alg" parameter value %q does not match token "alg" parameter value %q`, errKeyfunc, a, alg)
				}
				return public(jwk), nil
			}
			missing := fmt.Errorf("key not found: kid %q", kid)
			return nil, fmt.Errorf("%w: could not read JWK from storage", joined{missing, errKeyfunc})
		}
		_, err := jwt.Parse(token.Text, keyfunc, options...)
		if err != nil {
			said = append(said, err.Error())
		} else {
			said = append(said, "")
		}
	}
	json.NewEncoder(os.Stdout).Encode(said)
}
