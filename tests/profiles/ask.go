// Says for each token of {"setups", "issuer", "secret", "tokens": [{"text", "now", "setup", "kids"}]} what golang-jwt v5 raises at
// that time; the empty text where it accepts the token. The keys of a set are looked up as MicahParks/keyfunc v3 does it.
package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var errKeyfunc = errors.New("failed keyfunc")

// Joins as errors.Join of later versions of Go does.
type joined []error

func (j joined) Error() string { return j[0].Error() + "\n" + j[1].Error() }

func main() {
	answer(func(w *work, setup *setup, text string, now time.Time, published []string) error {
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
		_, err := jwt.Parse(text, keyfunc, options...)
		return err
	})
}
