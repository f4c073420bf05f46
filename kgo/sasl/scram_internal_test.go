package sasl

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"runtime"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/exchange"
)

// The examples of RFC 5802, with SHA-1, and of RFC 7677.
func TestScramVectors(t *testing.T) {
	for name, test := range map[string]struct {
		h                                    func() hash.Hash
		nonce                                string
		first, serverFirst, final, signature string
	}{
		"RFC 5802": {
			h:           sha1.New,
			nonce:       "fyko+d2lbbFgONRv9qkxdawL",
			first:       "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			final:       "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
			signature:   "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		},
		"RFC 7677": {
			h:           sha256.New,
			nonce:       "rOprNGfwEbeRWgbNEkqO",
			first:       "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
			serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			final:       "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			signature:   "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		},
	} {
		t.Run(name, func(t *testing.T) {
			credentials := Credentials{User: "user", Password: NewSecret("pencil")}
			run := &scramRun{hash: test.h, keys: &keyCache{}, credentials: credentials, nonce: test.nonce}
			s := exchange.New("SCRAM", run.first)
			if got, _, err := s.Step(nil); string(got) != test.first || err != nil {
				t.Fatalf("got %q, %v, want %q", got, err, test.first)
			}
			if got, _, err := s.Step([]byte(test.serverFirst)); string(got) != test.final || err != nil {
				t.Fatalf("got %q, %v, want %q", got, err, test.final)
			}
			if _, done, err := s.Step([]byte(test.signature)); !done || err != nil {
				t.Errorf("got %v, %v, want it done", done, err)
			}
		})
	}
}

// Iterations are looked at before any work: no hash is even made for too many.
func TestScramLooksBeforeItWorks(t *testing.T) {
	hashes := 0
	counted := func() hash.Hash { hashes++; return sha256.New() }
	for _, iterations := range []string{"1", "4095", "1000001", "2147483647", "99999999999999999999"} {
		run := &scramRun{hash: counted, keys: &keyCache{}, credentials: Credentials{User: "u", Password: NewSecret("p")}, nonce: "n"}
		if _, _, err := run.proof([]byte("r=nx,s=c2FsdA==,i=" + iterations)); err == nil {
			t.Errorf("%s iterations are accepted", iterations)
		}
	}
	if hashes != 0 {
		t.Errorf("%d hashes are made", hashes)
	}
}

// Whatever is in a message, it costs memory in proportion to it.
func TestScramAllocatesLittle(t *testing.T) {
	messages := [][]byte{
		[]byte("r=nx,s=" + strings.Repeat("AAAA", 16_000) + ",i=1"),
		[]byte("r=n" + strings.Repeat("x,", 32_000)),
		[]byte("e=" + strings.Repeat("\x00", 65_000)),
		[]byte("v=" + strings.Repeat("AAAA", 16_000)),
	}
	for _, message := range messages {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		parseServerFirst(message, "n")
		parseServerFinal(message)
		runtime.ReadMemStats(&after)
		if got, want := after.TotalAlloc-before.TotalAlloc, uint64(8*len(message)+64<<10); got > want {
			t.Errorf("%d bytes that begin with %q cost %d, want at most %d", len(message), message[:8], got, want)
		}
	}
}

// Keys are made once for each password, salt and number of iterations, and a few are remembered.
func TestKeyCache(t *testing.T) {
	var cache keyCache
	hashes := 0
	counted := func() hash.Hash { hashes++; return sha256.New() }
	get := func(password, salt string, iterations int) (made bool) {
		t.Helper()
		before := hashes
		keys, err := cache.get(counted, password, salt, iterations)
		if err != nil {
			t.Fatal(err)
		}
		made = hashes != before
		fresh, err := makeKeys(sha256.New, password, salt, iterations)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(keys) != fmt.Sprint(fresh) {
			t.Errorf("the keys of %s, %s, %d are other ones than the cache has", password, salt, iterations)
		}
		return made
	}
	steps := []struct {
		password, salt string
		iterations     int
		made           bool
	}{
		{"p", "s", 4096, true},
		{"p", "s", 4096, false},
		{"p", "s", 4097, true},
		{"p", "t", 4096, true},
		{"q", "s", 4096, true}, // four
		{"p", "s", 4096, false},
		{"r", "s", 4096, true}, // a fifth: the oldest is forgotten
		{"p", "s", 4096, true},
		{"r", "s", 4096, false},
		{"q", "s", 4096, false},
	}
	for i, step := range steps {
		if made := get(step.password, step.salt, step.iterations); made != step.made {
			t.Errorf("step %d: made is %v, want %v", i, made, step.made)
		}
	}
	if n := len(cache.load()); n != keyCacheSize {
		t.Errorf("the cache has %d entries, want %d", n, keyCacheSize)
	}
}
