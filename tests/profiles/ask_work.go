// What both versions of golang-jwt are asked, and the keys for it.
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
	"math/big"
	"os"
	"time"
)

type setup struct {
	Audiences  []string
	Algorithms []string
	Leeway     int
	Jwks       *struct{ Keys []map[string]string }
}

type work struct {
	Setups map[string]*setup
	Issuer string
	Secret string
	Tokens []struct {
		Text  string
		Now   float64
		Setup string
		Kids  []string
	}
}

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

// Asks about each token of the file that is named, and prints what is said.
func answer(ask func(w *work, setup *setup, text string, now time.Time, published []string) error) {
	bytes, _ := os.ReadFile(os.Args[1])
	var w work
	if err := json.Unmarshal(bytes, &w); err != nil {
		panic(err)
	}
	said := []string{}
	for _, token := range w.Tokens {
		err := ask(&w, w.Setups[token.Setup], token.Text, time.UnixMilli(int64(token.Now*1000)), token.Kids)
		if err != nil {
			said = append(said, err.Error())
		} else {
			said = append(said, "")
		}
	}
	json.NewEncoder(os.Stdout).Encode(said)
}
