package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// Ctrl-C ends the reading of a file from stdin that does not end. Of a capture, what was there
// is summed up.
func TestFilesInterrupted(t *testing.T) {
	for _, flag := range []string{"--segment", "--pcap"} {
		ctx, cancel := context.WithCancel(t.Context())
		stdin, write := io.Pipe()
		var out, err bytes.Buffer
		code := make(chan int)
		go func() { code <- testApp(stdin, &out, &err, noNetwork).run(ctx, []string{"decode", flag, "-"}) }()
		if _, err := write.Write(captureOf(t, "orders")[:30]); err != nil { // 24 of them are the header
			t.Fatal(err)
		}
		cancel()
		if got := <-code; got != exitInterrupted || !strings.Contains(err.String(), "interrupted") {
			t.Errorf("%s: got exit %d %s", flag, got, err.String())
		}
		write.CloseWithError(errors.New("the test is over"))
	}
}

// What is read is only told to have been if it was written.
func TestFilesStdoutFails(t *testing.T) {
	for flag, data := range map[string][]byte{"--segment": batches(t, `{"records":[{}]}`), "--pcap": captureOf(t, "orders")} {
		var err bytes.Buffer
		code := testApp(bytes.NewReader(data), failingWriter{}, &err, noNetwork).run(t.Context(), []string{"decode", flag, "-"})
		if code != exitFailed || err.String() != "franzi: short write\n" {
			t.Errorf("%s: got exit %d, %q", flag, code, err.String())
		}
	}
}
