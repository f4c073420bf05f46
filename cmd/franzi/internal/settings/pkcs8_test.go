package settings

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Keys that OpenSSL has ciphered are read (testdata: openssl pkcs8 -topk8 of plain.pem).
func TestCipheredKeys(t *testing.T) {
	want := readKey(t, "plain.pem", "")
	for _, name := range []string{"aes256.pem", "aes128sha1.pem", "aes192sha512.pem", "des3.pem"} {
		if got := readKey(t, name, "secret"); !got.Equal(want) {
			t.Errorf("%s: another key", name)
		}
	}
	for _, tt := range []struct{ name, password, want string }{
		{"aes256.pem", "", "there is no ssl.key.password"},
		{"aes256.pem", "wrong", "is not the password of the private key"},
		{"old.pem", "secret", "in the old way of OpenSSL"},
		{"scrypt.pem", "secret", "not derived by PBKDF2"},
	} {
		if _, err := openKey(testFile(t, tt.name), tt.password); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readKey(t *testing.T, name, password string) *ecdsa.PrivateKey {
	t.Helper()
	text, err := openKey(testFile(t, name), password)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return key.(*ecdsa.PrivateKey)
}

// FuzzDecipher: a file cannot make it panic.
func FuzzDecipher(f *testing.F) {
	for _, name := range []string{"aes256.pem", "des3.pem", "scrypt.pem"} {
		block, _ := pem.Decode(testFile(f, name))
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if len(der) > 1<<10 || bytes.Contains(der, []byte{0x02, 0x03}) {
			return // more than 65,535 iterations take too long here
		}
		decipher(der, "secret")
	})
}
