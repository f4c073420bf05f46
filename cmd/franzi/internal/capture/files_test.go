package capture_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
)

var at = time.Date(2024, 5, 1, 10, 0, 0, 123456000, time.UTC)

// pcap is a capture in the old format.
func pcap(order binary.AppendByteOrder, magic uint32, link uint32, packets ...string) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 65535)
	b = order.AppendUint32(b, link)
	for i, p := range packets {
		fraction := at.Nanosecond() / 1000
		if magic == 0xa1b23c4d {
			fraction = at.Nanosecond()
		}
		b = order.AppendUint32(b, uint32(at.Unix())+uint32(i))
		b = order.AppendUint32(b, uint32(fraction))
		b = order.AppendUint32(b, uint32(len(p)))
		b = order.AppendUint32(b, uint32(len(p)+10*i)) // the second one is cut off
		if magic == 0xa1b2cd34 {
			b = append(b, make([]byte, 8)...)
		}
		b = append(b, p...)
	}
	return b
}

// block is a block of pcapng.
func block(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(len(body) + 12)
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, size)
	return order.AppendUint32(append(b, body...), size)
}

func section(order binary.AppendByteOrder) []byte {
	b := order.AppendUint32(nil, 0x1a2b3c4d)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	return block(order, 0x0a0d0d0a, order.AppendUint64(b, 1<<64-1))
}

func iface(order binary.AppendByteOrder, link uint16, snap uint32, options ...byte) []byte {
	b := order.AppendUint16(nil, link)
	b = order.AppendUint16(b, 0)
	return block(order, 1, append(order.AppendUint32(b, snap), options...))
}

func packetBlock(order binary.AppendByteOrder, number uint32, stamp uint64, size int, data string) []byte {
	b := order.AppendUint32(nil, number)
	b = order.AppendUint32(b, uint32(stamp>>32))
	b = order.AppendUint32(b, uint32(stamp))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(size))
	return block(order, 6, append(b, data...))
}

// read says what a capture has.
func read(in io.Reader) string {
	var all []string
	r, err := capture.NewReader(in)
	for err == nil {
		var p *capture.Packet
		if p, err = r.Next(); err == nil {
			when := "-"
			if !p.Time.IsZero() {
				when = p.Time.Format("05.999999999")
			}
			all = append(all, fmt.Sprintf("%s link %d %q of %d", when, p.Link, p.Data, p.Size))
		}
	}
	if err != io.EOF {
		all = append(all, err.Error())
	}
	return strings.Join(all, "\n")
}

func TestPcap(t *testing.T) {
	want := "00.123456 link 1 \"abc\" of 3\n01.123456 link 1 \"de\" of 12"
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		for _, magic := range []uint32{0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34} {
			b := pcap(order, magic, 1, "abc", "de")
			if got := read(bytes.NewReader(b)); got != want {
				t.Errorf("%v %x: got\n%s\nwant\n%s", order, magic, got, want)
			}
			if got := read(iotest.OneByteReader(bytes.NewReader(b))); got != want {
				t.Errorf("%v %x byte by byte: got\n%s\nwant\n%s", order, magic, got, want)
			}
		}
	}
	checksummed := pcap(binary.LittleEndian, 0xa1b2c3d4, 0x14000001, "abc", "de")
	if got := read(bytes.NewReader(checksummed)); got != want {
		t.Errorf("with checksums: got\n%s", got)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(checksummed)
	w.Close()
	if got := read(&zipped); got != want {
		t.Errorf("compressed: got\n%s", got)
	}
}

func TestPcapng(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		option := func(code uint16, value ...byte) []byte {
			b := order.AppendUint16(order.AppendUint16(nil, code), uint16(len(value)))
			b = append(b, value...)
			return append(b, make([]byte, (4-len(value)%4)%4)...)
		}
		micros := uint64(at.UnixMicro())
		old := order.AppendUint16(nil, 1)
		old = order.AppendUint16(old, 0)
		old = order.AppendUint32(old, uint32(at.UnixNano()>>32))
		old = order.AppendUint32(old, uint32(at.UnixNano()))
		old = order.AppendUint32(old, 3)
		old = order.AppendUint32(old, 9)
		b := bytes.Join([][]byte{
			section(order),
			iface(order, 1, 4),
			iface(order, 113, 0, bytes.Join([][]byte{option(2, 'e', 't', 'h'), option(9, 9), option(0)}, nil)...),
			iface(order, 101, 0, option(9, 0x80|10)...),                                                                 // 1/1024 s
			iface(order, 101, 0, append(option(14, order.AppendUint64(nil, uint64(at.Unix()))...), option(9, 0)...)...), // whole seconds from a time on
			block(order, 5, []byte("statistics")),
			packetBlock(order, 0, micros, 3, "abc"),
			packetBlock(order, 1, uint64(at.UnixNano())+789, 100, "d"),
			packetBlock(order, 2, uint64(at.Unix())*1024+512, 1, "e"),
			packetBlock(order, 3, 7, 1, "f"),
			block(order, 2, append(old, "old"...)),
			block(order, 3, append(order.AppendUint32(nil, 9), "simple..."...)), // the first interface takes 4 bytes
			section(binary.LittleEndian),
			iface(binary.LittleEndian, 276, 0),
			packetBlock(binary.LittleEndian, 0, micros, 1, "g"),
		}, nil)
		want := strings.Join([]string{
			`00.123456 link 1 "abc" of 3`,
			`00.123456789 link 113 "d" of 100`,
			`00.5 link 101 "e" of 1`,
			`07 link 101 "f" of 1`,
			`00.123456 link 113 "old" of 9`,
			`- link 1 "simp" of 9`,
			`00.123456 link 276 "g" of 1`,
		}, "\n")
		if d := cmp.Diff(read(bytes.NewReader(b)), want); d != "" {
			t.Errorf("%v (-got +want):\n%s", order, d)
		}
		if d := cmp.Diff(read(iotest.OneByteReader(bytes.NewReader(b))), want); d != "" {
			t.Errorf("%v byte by byte (-got +want):\n%s", order, d)
		}
	}
}

func TestCaptureErrors(t *testing.T) {
	le := binary.LittleEndian
	no, damaged := capture.ErrFormat.Error(), capture.ErrDamaged.Error()
	start := append(section(le), iface(le, 1, 0)...)
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, no},
		{"little", []byte{0xd4, 0xc3}, no},
		{"text", []byte("GET / HTTP/1.1\r\n"), no},
		{"a header that ends", pcap(le, 0xa1b2c3d4, 1)[:20], "unexpected EOF"},
		{"a packet that ends", pcap(le, 0xa1b2c3d4, 1, "abc")[:42], "unexpected EOF"},
		{"a packet's header that ends", pcap(le, 0xa1b2c3d4, 1, "abc")[:30], "unexpected EOF"},
		{"a packet without end", append(pcap(le, 0xa1b2c3d4, 1), bytes.Repeat([]byte{0x7f}, 16)...), damaged + ": a packet of 2139062143 bytes"},
		{"gzip that ends", []byte{0x1f, 0x8b, 8, 0}, "unexpected EOF"},
		{"a section that ends", start[:20], "unexpected EOF"},
		{"a section without byte order", append([]byte{0x0a, 0x0d, 0x0d, 0x0a}, make([]byte, 30)...), damaged + ": a section without byte order"},
		{"a block that is too small", append(start, le.AppendUint32(le.AppendUint32(make([]byte, 0), 7), 4)...), "unexpected EOF"},
		{"a block of a strange size", append(start, block(le, 7, make([]byte, 8))...)[:len(start)], ""},
		{"a block that is too large", append(start, le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 7), 1<<30), 0)...), damaged + ": a block of 1073741824 bytes"},
		{"a packet of no interface", append(start, packetBlock(le, 1, 0, 0, "")...), damaged + ": a packet of interface 1, but there are 1"},
		{"a packet larger than its block", append(start, block(le, 6, append(make([]byte, 12), 9, 0, 0, 0, 9, 0, 0, 0))...), damaged + ": a packet of 9 bytes in a block of 20"},
		{"a packet without interfaces", append(section(le), block(le, 3, make([]byte, 8))...), damaged + ": a packet before all interfaces"},
		{"a short interface", append(section(le), block(le, 1, nil)...), damaged + ": a block of type 1 that is too short"},
		{"a clock that is too fine", append(section(le), iface(le, 1, 0, 9, 0, 1, 0, 60, 0, 0, 0)...), damaged + ": an interface with a clock of resolution 60"},
	} {
		if got := read(bytes.NewReader(tt.data)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if _, err := capture.NewReader(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: got %v", err)
	}
}

// What no capture is makes errors, and little memory.
func FuzzReader(f *testing.F) {
	le := binary.LittleEndian
	f.Add(pcap(le, 0xa1b2c3d4, 1, "abc", "def"))
	f.Add(bytes.Join([][]byte{section(le), iface(le, 1, 0, 9, 0, 1, 0, 9, 0, 0, 0), packetBlock(le, 0, 5, 3, "abc"), block(le, 3, make([]byte, 8))}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := capture.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		total := 0
		for {
			p, err := r.Next()
			if err != nil {
				return
			}
			if total += len(p.Data); total > len(data) && data[0] != 0x1f {
				t.Fatalf("%d bytes of packets in a capture of %d", total, len(data))
			}
			p.TCP()
		}
	})
}
