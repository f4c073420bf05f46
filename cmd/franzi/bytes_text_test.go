package main

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestParseHex(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"00ff":                  "00ff",
		"00 FF\n0a\t0b\r\n":     "00ff0a0b",
		"00:ff:0A":              "00ff0a",
		"0x00 0xff 0X0a":        "00ff0a",
		"0x00ff0a":              "00ff0a",
		"0 0 f f":               "00ff", // digits alone, as some dumps have them
		"0x0 0xf":               "0f",
		"000102 0304":           "0001020304",
		"0xdeadbeef:0xcafe\n01": "deadbeefcafe01",
	} {
		got, err := parseHex(text)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%q: got %x, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"0":     "1 hex digits are an odd number",
		"00x1":  "character 3, 'x', is no hex digit",
		"00,ff": "character 3, ',', is no hex digit",
		"ä":     "character 1, 'Ã', is no hex digit",
	} {
		if got, err := parseHex(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %x, %v, want %s", text, got, err, want)
		}
	}
}

func TestParseBase64(t *testing.T) {
	want := []byte{0xfb, 0xff, 0xfe, 1}
	for _, text := range []string{"+//+AQ==", "-__-AQ", "+//+ AQ==\n", "-__-AQ=="} {
		if got, err := parseBase64(text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %x, %v", text, got, err)
		}
	}
	if _, err := parseBase64("a*b"); err == nil {
		t.Error("a*b is accepted")
	}
}

// What a format writes, it reads.
func FuzzBytesText(f *testing.F) {
	f.Add([]byte{0, 1, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range bytesFormats() {
			format := bytesFormat(name)
			back, err := format.parse([]byte(format.text(b)))
			if err != nil || !bytes.Equal(back, b) {
				t.Fatalf("%s: %x became %x: %v", name, b, back, err)
			}
		}
		parseHex(string(b))
		parseBase64(string(b))
	})
}
