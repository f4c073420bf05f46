package compress_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// allSettings are all kinds of output, by a name for subtests.
var allSettings = []struct {
	name string
	compress.Settings
}{
	{"none", compress.Settings{Codec: compress.None}},
	{"gzip", compress.Settings{Codec: compress.Gzip}},
	{"gzip -1", compress.Settings{Codec: compress.Gzip, Level: -1}},
	{"gzip 1", compress.Settings{Codec: compress.Gzip, Level: 1}},
	{"gzip 9", compress.Settings{Codec: compress.Gzip, Level: 9}},
	{"snappy", compress.Settings{Codec: compress.Snappy}},
	{"snappy raw", compress.Settings{Codec: compress.Snappy, Raw: true}},
	{"lz4", compress.Settings{Codec: compress.LZ4}},
	{"lz4 v0", compress.Settings{Codec: compress.LZ4, MessageSetV0: true}},
	{"lz4 1", compress.Settings{Codec: compress.LZ4, Level: 1}},
	{"lz4 9", compress.Settings{Codec: compress.LZ4, Level: 9}},
	{"lz4 17", compress.Settings{Codec: compress.LZ4, Level: 17}},
	{"zstd", compress.Settings{Codec: compress.Zstd}},
	{"zstd -7", compress.Settings{Codec: compress.Zstd, Level: -7}},
	{"zstd 3", compress.Settings{Codec: compress.Zstd, Level: 3}},
	{"zstd 7", compress.Settings{Codec: compress.Zstd, Level: 7}},
	{"zstd 22", compress.Settings{Codec: compress.Zstd, Level: 22}},
}

// payload makes what Compression.java calls by the same name, "text:100".
func payload(name string) []byte {
	kind, size, _ := strings.Cut(name, ":")
	n, err := strconv.Atoi(size)
	if err != nil {
		panic(name)
	}
	next := uint64(1)
	random := func() uint64 {
		next = next*6364136223846793005 + 1442695040888963407
		return next
	}
	b := make([]byte, 0, n+100)
	switch kind {
	case "zeros":
		b = b[:n]
	case "noise":
		for len(b) < n {
			b = append(b, byte(random()>>56))
		}
	case "text":
		for i := 0; len(b) < n; i++ {
			x := random()
			b = fmt.Appendf(b, "{\"order\":%d,\"customer\":%d,\"paid\":%v}\n", i, x>>58, int64(x) < 0)
		}
	default:
		panic(name)
	}
	return b[:n:n]
}

var words = strings.Fields("alpha river stone market window garden silver orange planet coffee yellow bridge summer winter button castle dragon forest guitar hammer")

// smallRecord is JSON of about 100 bytes, a click on a page.
func smallRecord(r *rand.Rand, b []byte, i int) []byte {
	page := [...]string{"/cart", "/home", "/product/", "/search?q=", "/checkout/"}[r.IntN(5)]
	if last := page[len(page)-1]; last == '/' || last == '=' {
		page += strconv.Itoa(r.IntN(100_000))
	}
	return fmt.Appendf(b, `{"user":"u%07d","event":%q,"ts":%d,"page":%q,"ms":%d,"ok":%v}`, r.IntN(2_000_000),
		[...]string{"click", "view", "scroll", "buy"}[r.IntN(4)], 1_700_000_000_000+int64(i)*7+r.Int64N(7), page, r.IntN(900), r.IntN(20) > 0)
}

// largeRecord is JSON of about 1 KiB, an order.
func largeRecord(r *rand.Rand, b []byte, i int) []byte {
	word := func() string { return words[r.IntN(len(words))] }
	b = fmt.Appendf(b, `{"orderId":"%08x-%04x-%04x-%012x","customer":{"id":%d,"name":"%s %s","email":"%s.%s%d@example.com",`,
		r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.Uint64()>>16, r.IntN(1_000_000), word(), word(), word(), word(), r.IntN(100))
	b = fmt.Appendf(b, `"address":{"street":"%d %s Street","city":%q,"zip":"%05d","country":"DE"}},"created":"2023-11-%02dT%02d:%02d:%02d.%03dZ","items":[`,
		r.IntN(200), word(), word(), r.IntN(99_999), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
	for item := range 5 {
		if item > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"sku":"%s-%05d","title":"%s %s %s","quantity":%d,"price":%d.%02d,"currency":"EUR"}`,
			word()[:3], r.IntN(99_999), word(), word(), word(), 1+r.IntN(9), r.IntN(200), r.IntN(100))
	}
	return fmt.Appendf(b, `],"status":%q,"trace":"%016x%016x","total":%d.%02d,"notes":"%s %s %s %s %s","n":%d}`,
		[...]string{"NEW", "PAID", "SHIPPED"}[r.IntN(3)], r.Uint64(), r.Uint64(), r.IntN(1000), r.IntN(100), word(), word(), word(), word(), word(), i)
}

// records encodes as many records as fit into size bytes, as they stand in a record batch.
func records(record func(*rand.Rand, []byte, int) []byte, size int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var batch, value, body []byte
	for i := 0; ; i++ {
		value = record(r, value[:0], i)
		body = append(body[:0], 0)                   // attributes
		body = binary.AppendVarint(body, int64(i/3)) // timestamp
		body = binary.AppendVarint(body, int64(i))   // offset
		body = binary.AppendVarint(body, 8)          // key
		body = binary.BigEndian.AppendUint64(body, r.Uint64N(1_000_000))
		body = binary.AppendVarint(body, int64(len(value)))
		body = append(body, value...)
		body = append(body, 0) // headers
		if len(batch)+len(body)+binary.MaxVarintLen32 > size {
			return batch
		}
		batch = binary.AppendVarint(batch, int64(len(body)))
		batch = append(batch, body...)
	}
}

// allocated tells how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// sameBytes describes where got differs from want, or returns "".
func sameBytes(got, want []byte) string {
	if bytes.Equal(got, want) {
		return ""
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("got %d bytes, want %d; they differ from byte %d on: %x, %x", len(got), len(want), i, got[i:min(i+8, len(got))], want[i:min(i+8, len(want))])
}
