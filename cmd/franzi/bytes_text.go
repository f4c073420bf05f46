package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// A bytesFormat is how bytes are written as text: hex, base64, or raw for the bytes
// themselves. It is the value of a flag.
type bytesFormat string

const (
	hexFormat    bytesFormat = "hex"
	base64Format bytesFormat = "base64"
	rawFormat    bytesFormat = "raw"
)

func bytesFormats() []string { return []string{"hex", "base64", "raw"} }

func (f *bytesFormat) add(cmd *cobra.Command, help string) {
	*f = hexFormat
	cmd.Flags().Var(f, "format", help)
	complete(cmd, "format", cobra.FixedCompletions(bytesFormats(), cobra.ShellCompDirectiveNoFileComp))
}

// Set reads the name of a format.
func (f *bytesFormat) Set(s string) error {
	name, err := oneOf("format", s, bytesFormats())
	*f = bytesFormat(name)
	return err
}

// String returns the name.
func (f *bytesFormat) String() string { return string(*f) }

// Type names what the flag takes, for help.
func (*bytesFormat) Type() string { return "format" }

// text writes bytes, on a line of their own if they are not raw.
func (f bytesFormat) text(b []byte) string {
	switch f {
	case hexFormat:
		return hex.EncodeToString(b)
	case base64Format:
		return base64.StdEncoding.EncodeToString(b)
	}
	return string(b)
}

// line is text with the end of its line, which raw bytes have not.
func (f bytesFormat) line(b []byte) []byte {
	if f == rawFormat {
		return b
	}
	return []byte(f.text(b) + "\n")
}

// parse reads what text writes, and what people paste.
func (f bytesFormat) parse(text []byte) ([]byte, error) {
	switch f {
	case hexFormat:
		return parseHex(string(text))
	case base64Format:
		return parseBase64(string(text))
	}
	return text, nil
}

// parseHex reads hex digits with spaces, line ends, colons and 0x among them.
func parseHex(text string) ([]byte, error) {
	var digits []byte
	begins := true // what comes may be a 0x
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n:", c) >= 0:
			begins = true
		case begins && c == '0' && i+1 < len(text) && (text[i+1] == 'x' || text[i+1] == 'X'):
			i, begins = i+1, false
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F':
			digits, begins = append(digits, c), false
		default:
			return nil, fmt.Errorf("character %d, %q, is no hex digit", i+1, c)
		}
	}
	if len(digits)%2 != 0 {
		return nil, fmt.Errorf("%d hex digits are an odd number", len(digits))
	}
	return hex.AppendDecode(nil, digits)
}

// parseBase64 reads both alphabets, with and without padding, spaces and line ends.
func parseBase64(text string) ([]byte, error) {
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.Join(strings.Fields(text), ""))
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(plain, "="))
	if err != nil {
		return nil, fmt.Errorf("this is no base64: %w", err)
	}
	return b, nil
}
