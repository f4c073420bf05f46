package adapter

import (
	"math/rand"
	"strconv"
	"strings"
)

// Values returns the deterministic payload pool: JSON-like text, about 4 MiB
// in one backing array, so that no batch repeats a value and compressors see
// a realistic ratio (measured: about 2x with lz4 and 3x with zstd).
func Values(size int) [][]byte {
	const total = 4 << 20
	n := total / max(size, 1)
	if n < 64 {
		n = 64
	}
	if n > 65536 {
		n = 65536
	}
	// An odd count shares no factor with a power of two of partitions, so
	// that round-robin partitioning meets a value again only after all of
	// the pool.
	n |= 1
	r := rand.New(rand.NewSource(42))
	back := make([]byte, 0, n*size)
	out := make([][]byte, n)
	var tmp []byte
	for i := range out {
		tmp = appendDoc(tmp[:0], r, size)
		at := len(back)
		back = append(back, tmp[:size]...)
		out[i] = back[at:len(back):len(back)]
	}
	return out
}

var (
	events = []string{"page_view", "click", "add_to_cart", "purchase", "login", "logout", "search", "heartbeat"}
	words  = strings.Fields("order item price stock region status pending shipped delivered customer account session device mobile desktop campaign referral discount currency quantity warehouse courier address invoice payment refund catalog product variant category")
)

func appendDoc(b []byte, r *rand.Rand, size int) []byte {
	b = append(b, `{"id":"`...)
	b = appendHex(b, r.Uint64())
	b = append(b, `","ts":`...)
	b = strconv.AppendInt(b, 1_700_000_000_000+int64(r.Intn(1_000_000_000)), 10)
	b = append(b, `,"user":`...)
	b = strconv.AppendInt(b, int64(r.Intn(1_000_000)), 10)
	b = append(b, `,"event":"`...)
	b = append(b, events[r.Intn(len(events))]...)
	b = append(b, `"`...)
	for len(b) < size {
		b = append(b, `,"`...)
		b = append(b, words[r.Intn(len(words))]...)
		b = append(b, `":`...)
		switch r.Intn(4) {
		case 0:
			b = strconv.AppendInt(b, int64(r.Intn(100_000)), 10)
		case 1:
			b = append(b, '"')
			b = appendHex(b, r.Uint64()>>24)
			b = append(b, '"')
		default:
			b = append(b, '"')
			b = append(b, words[r.Intn(len(words))]...)
			b = append(b, ' ')
			b = append(b, words[r.Intn(len(words))]...)
			b = append(b, '"')
		}
	}
	return b
}

func appendHex(b []byte, v uint64) []byte {
	const d = "0123456789abcdef"
	for i := 0; i < 16; i++ {
		b = append(b, d[v&15])
		v >>= 4
		if v == 0 {
			break
		}
	}
	return b
}
