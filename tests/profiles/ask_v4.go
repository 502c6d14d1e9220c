// Says for each token of {"setups", "issuer", "secret", "tokens": [{"text", "now", "setup", "kids"}]} what golang-jwt v4 raises at
// that time; the empty text where it accepts the token. The keys of a set are looked up as MicahParks/keyfunc v1 does it.
// Audience and issuer are asked for behind Parse, because v4 does not look at them.
package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

var (
	errKID       = errors.New("the JWT has an invalid kid")
	errAlgorithm = errors.New(`the given JWK was found, but its "alg" parameter's value did not match the expected algorithm`)
)

func main() {
	answer(func(w *work, setup *setup, text string, now time.Time, published []string) error {
		jwt.TimeFunc = func() time.Time { return now }
		options := []jwt.ParserOption{}
		if setup.Algorithms != nil {
			options = append(options, jwt.WithValidMethods(setup.Algorithms))
		}
		keyfunc := func(token *jwt.Token) (interface{}, error) {
			if setup.Jwks == nil {
				return []byte(w.Secret), nil
			}
			kidInter, ok := token.Header["kid"]
			if !ok {
				return nil, fmt.Errorf("%w: could not find kid in JWT header", errKID)
			}
			kid, ok := kidInter.(string)
			if !ok {
				return nil, fmt.Errorf("%w: could not convert kid in JWT header to string", errKID)
			}
			alg, _ := token.Header["alg"].(string)
			for _, jwk := range setup.Jwks.Keys {
				if jwk["kid"] != kid || !contains(published, kid) {
					continue
				}
				if a := jwk["alg"]; a != "" && a != alg {
					return nil, fmt.Errorf(`%w: JWK "alg" parameter value %q does not match token "alg" parameter value %q`, errAlgorithm, a, alg)
				}
				return public(jwk), nil
			}
			return nil, errors.New("the given key ID was not found in the JWKS")
		}
		token, err := jwt.Parse(text, keyfunc, options...)
		if err != nil {
			return err
		}
		claims, named := token.Claims.(jwt.MapClaims), setup.Audiences == nil
		for _, audience := range setup.Audiences {
			named = named || claims.VerifyAudience(audience, true)
		}
		if !named {
			return jwt.ErrTokenInvalidAudience
		}
		if !claims.VerifyIssuer(w.Issuer, true) {
			return jwt.ErrTokenInvalidIssuer
		}
		return nil
	})
}
