package compress_test

import (
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// The sums are the reference implementation's, with seed 0.
func TestXXH32(t *testing.T) {
	for text, want := range map[string]uint32{
		"":    0x02CC5D05,
		"a":   0x550D7456,
		"abc": 0x32D153FF,
		"Nobody inspects the spammish repetition": 0xE2293B2F,
	} {
		if got := compress.XXH32([]byte(text)); got != want {
			t.Errorf("%q: got %08x, want %08x", text, got, want)
		}
	}
}
