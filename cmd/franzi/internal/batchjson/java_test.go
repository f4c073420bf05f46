package batchjson_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/batchjson"
)

// Batches of every format, codec and kind that Kafka's own classes wrote are good, and come
// back: byte for byte if they are not compressed and have their producers' timestamps.
func TestJavaVectors(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "testdata", "vectors", "batch", "java.tsv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plainText, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines, n, exact := bufio.NewScanner(plainText), 0, 0
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		b, err := hex.DecodeString(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		n++
		shown, wrong := show(batchjson.Shower{}, b)
		if wrong != "" {
			t.Errorf("%s: %s", fields[0], wrong)
			continue
		}
		back := mustBuild(t, shown)
		if again, _ := show(batchjson.Shower{}, back); plain(again) != plain(shown) {
			t.Errorf("%s: got  %s\nwant %s", fields[0], again, shown)
		}
		if strings.Count(shown, `"compression":"none"`) == strings.Count(shown, `"compression"`) && !strings.Contains(shown, `"LogAppendTime"`) {
			if exact++; !bytes.Equal(back, b) {
				t.Errorf("%s: got  %x\nwant %x\n%s", fields[0], back, b, shown)
			}
		}
	}
	if err := lines.Err(); err != nil || n < 100 || exact < 20 {
		t.Errorf("%d lines, %d of them exact: %v", n, exact, err)
	}
}
