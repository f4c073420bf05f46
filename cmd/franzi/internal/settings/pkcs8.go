package settings

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"
)

// What RFC 8018 calls the parts of a ciphered private key.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct {
		Derive, Cipher pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		Function   pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// pseudorandom are the functions of PBKDF2: HMAC with a hash.
var pseudorandom = map[string]func() hash.Hash{
	"":                    sha1.New, // the default
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// ciphers are block ciphers in CBC mode with the lengths of their keys.
var ciphers = map[string]struct {
	key  int
	make func([]byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
}

// mostIterations bounds what a file can make us compute, to some seconds.
const mostIterations = 10_000_000

// decipher deciphers a private key of PKCS #8 with a password, by PBES2, as openssl and keytool
// make them.
func decipher(der []byte, password string) ([]byte, error) {
	var key encryptedKey
	var scheme pbes2
	var derive pbkdf2Params
	var iv []byte
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, errors.New("the ciphered private key is not well-formed")
	}
	if !key.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errors.New("the private key is ciphered in another way than PBES2: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out key.pem makes a new one")
	}
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &scheme); err != nil || !scheme.Derive.Algorithm.Equal(oidPBKDF2) {
		return nil, errors.New("the key of the ciphered private key is not derived by PBKDF2")
	}
	if _, err := asn1.Unmarshal(scheme.Derive.Parameters.FullBytes, &derive); err != nil || derive.Iterations < 1 || derive.Iterations > mostIterations {
		return nil, errors.New("the ciphered private key is not well-formed")
	}
	function := ""
	if len(derive.Function.Algorithm) > 0 {
		function = derive.Function.Algorithm.String()
	}
	random, c := pseudorandom[function], ciphers[scheme.Cipher.Algorithm.String()]
	if random == nil || c.make == nil {
		return nil, errors.New("the private key is ciphered by another algorithm than AES or 3DES with HMAC and SHA")
	}
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, errors.New("the ciphered private key is not well-formed")
	}
	secret, err := pbkdf2.Key(random, password, derive.Salt, derive.Iterations, c.key)
	if err != nil {
		return nil, err
	}
	block, err := c.make(secret)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(key.Data) == 0 || len(key.Data)%size != 0 {
		return nil, errors.New("the ciphered private key is not well-formed")
	}
	plain := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, key.Data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, errors.New("ssl.key.password is not the password of the private key")
	}
	for _, b := range plain[len(plain)-padding:] {
		if int(b) != padding {
			return nil, errors.New("ssl.key.password is not the password of the private key")
		}
	}
	return plain[:len(plain)-padding], nil
}
