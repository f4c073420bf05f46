package compress_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// useAll compresses and decompresses with everything that there is, or with all but a codec.
func useAll(t *testing.T, c *compress.Codecs, but compress.Codec) {
	t.Helper()
	for _, s := range allSettings {
		if s.Codec != but || but == compress.None {
			roundTrip(t, c, payload("text:100000"), s.Settings)
		}
	}
}

// The codecs work inside of two bubbles and outside, in one process: each with a Codecs of its
// own, and those that hold no channel with one for all.
func TestBubbles(t *testing.T) {
	shared := new(compress.Codecs)
	everywhere := func(t *testing.T) {
		useAll(t, new(compress.Codecs), compress.None)
		useAll(t, shared, compress.Zstd)
	}
	synctest.Test(t, everywhere)
	everywhere(t)
	synctest.Test(t, everywhere)
	everywhere(t)
}

// again runs a test of this file in a process of its own, where nothing was used before.
func again(t *testing.T, name string) (string, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), "FRANZI_BUBBLE=1")
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "=== RUN   "+name) {
		t.Fatalf("%s did not run: %v\n%s", name, err, out)
	}
	return string(out), err
}

// What the libraries keep for the whole process may be made inside of a bubble.
func TestFirstUseInBubble(t *testing.T) {
	if out, err := again(t, "TestBubbles"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The documentation warns of one Codecs for several bubbles. When this fails the warning can go.
func TestZstdAcrossBubbles(t *testing.T) {
	if os.Getenv("FRANZI_BUBBLE") != "" {
		var c compress.Codecs
		src := []byte("some bytes")
		use := func(t *testing.T) {
			packed, err := c.Compress(nil, src, compress.Settings{Codec: compress.Zstd})
			if err != nil {
				t.Fatal(err)
			}
			if out, err := c.Decompress(nil, packed, compress.Zstd, 100); err != nil || !bytes.Equal(out, src) {
				t.Fatalf("got %q, %v", out, err)
			}
		}
		synctest.Test(t, use)
		use(t)
		return
	}
	out, err := again(t, "TestZstdAcrossBubbles")
	if err == nil || !strings.Contains(out, "synctest channel from outside bubble") {
		t.Errorf("got %v, want the end of the process:\n%s", err, out)
	}
}
