package capture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
)

// The parts that packets are made of.

func tcp(flags byte, options, payload string) []byte {
	b := binary.BigEndian.AppendUint16(nil, 50000)
	b = binary.BigEndian.AppendUint16(b, 9092)
	b = binary.BigEndian.AppendUint32(b, 1000)
	b = binary.BigEndian.AppendUint32(b, 2000)
	b = append(b, byte((20+len(options))/4)<<4, flags, 0, 0, 0, 0, 0, 0)
	return append(append(b, options...), payload...)
}

func ip4(protocol byte, options string, fragment uint16, inside []byte) []byte {
	b := []byte{0x40 | byte(5+len(options)/4), 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(options)+len(inside)))
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, fragment)
	b = append(b, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	return append(append(b, options...), inside...)
}

func ip6(next byte, inside []byte) []byte {
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(inside)))
	b = append(b, next, 64)
	src, dst := netip.MustParseAddr("fd00::1").As16(), netip.MustParseAddr("fd00::2").As16()
	return append(append(append(b, src[:]...), dst[:]...), inside...)
}

func ethernet(kind uint16, inside []byte) []byte {
	return append(binary.BigEndian.AppendUint16(make([]byte, 12), kind), inside...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestTCP(t *testing.T) {
	plain := ip4(6, "", 0x4000, tcp(0x18, "", "hello"))
	const want = "10.0.0.1:50000 10.0.0.2:9092 1000 2000 A \"hello\""
	const want6 = "[fd00::1]:50000 [fd00::2]:9092 1000 2000 A \"hello\""
	segment := tcp(0x18, "", "hello")
	for _, tt := range []struct {
		name string
		link capture.LinkType
		data []byte
		size int // of the packet, if it is not all
		want string
	}{
		{"Ethernet", 1, ethernet(0x0800, plain), 0, want},
		{"padding", 1, append(ethernet(0x0800, plain), 0, 0, 0, 0), 0, want},
		{"a VLAN", 1, ethernet(0x8100, join([]byte{0, 5, 8, 0}, plain)), 0, want},
		{"a VLAN in a VLAN", 1, ethernet(0x88a8, join([]byte{0, 5, 0x81, 0, 0, 6, 8, 0}, plain)), 0, want},
		{"ARP", 1, ethernet(0x0806, make([]byte, 28)), 0, "other"},
		{"cooked", 113, join(make([]byte, 14), []byte{8, 0}, plain), 0, want},
		{"cooked 2", 276, join([]byte{0x86, 0xdd}, make([]byte, 18), ip6(6, segment)), 0, want6},
		{"loopback of BSD", 0, join([]byte{2, 0, 0, 0}, plain), 0, want},
		{"loopback of macOS, IPv6", 0, join([]byte{30, 0, 0, 0}, ip6(6, segment)), 0, want6},
		{"loopback of OpenBSD", 108, join([]byte{0, 0, 0, 2}, plain), 0, want},
		{"raw", 101, plain, 0, want},
		{"raw IPv4", 228, plain, 0, want},
		{"raw IPv6", 229, ip6(6, segment), 0, want6},
		{"an unknown link", 147, plain, 0, "unknown"},
		{"IP options", 101, ip4(6, "\x01\x01\x01\x00", 0, segment), 0, want},
		{"TCP options", 101, ip4(6, "", 0, tcp(0x18, "\x01\x01\x01\x00", "hello")), 0, want},
		{"flags", 101, ip4(6, "", 0, tcp(0x07, "", "")), 0, "10.0.0.1:50000 10.0.0.2:9092 1000 2000 FSR \"\""},
		{"UDP", 101, ip4(17, "", 0, segment), 0, "other"},
		{"UDP over IPv6", 101, ip6(17, segment), 0, "other"},
		{"the first fragment", 101, ip4(6, "", 0x2000, segment), 0, "fragment"},
		{"the last fragment", 101, ip4(6, "", 0x0010, segment), 0, "fragment"},
		{"a fragment of IPv6", 101, ip6(44, join([]byte{6, 0, 0, 1, 0, 0, 0, 0}, segment)), 0, "fragment"},
		{"extensions of IPv6", 101, ip6(0, join([]byte{43, 0, 0, 0, 0, 0, 0, 0}, []byte{60, 0, 0, 0, 0, 0, 0, 0}, []byte{51, 0, 0, 0, 0, 0, 0, 0}, []byte{6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, segment)), 0, want6},
		{"not all captured", 1, ethernet(0x0800, plain)[:57], 59, "10.0.0.1:50000 10.0.0.2:9092 1000 2000 A \"hel\" and 2"},
		{"only headers captured", 101, plain[:40], 45, "10.0.0.1:50000 10.0.0.2:9092 1000 2000 A \"\" and 5"},
		{"TCP options not captured", 101, ip4(6, "", 0, tcp(0x18, "\x01\x01\x01\x00", "hello"))[:40], 49, "10.0.0.1:50000 10.0.0.2:9092 1000 2000 A \"\" and 5"},
		{"headers not captured", 101, plain[:39], 45, "cut off"},
		{"half an IP header", 101, plain[:19], 45, "cut off"},
		{"half an IPv6 header", 101, ip6(6, segment)[:39], 60, "cut off"},
		{"half an extension", 101, ip6(0, []byte{6, 0, 0, 0}), 60, "cut off"},
		{"half a link header", 1, make([]byte, 13), 60, "cut off"},
		{"half a VLAN", 1, ethernet(0x8100, []byte{0}), 60, "cut off"},
		{"nothing after the link header", 0, make([]byte, 4), 0, "cut off"},
		{"neither IPv4 nor IPv6", 101, []byte{0x50}, 0, "other"},
		{"an IP header that lies", 101, append([]byte{0x4f}, plain[1:]...), 0, "cut off"},
		{"a TCP header that lies", 101, func() []byte { b := bytes.Clone(plain); b[32] = 0x40; return b }(), 0, "cut off"},
		{"a length that lies", 101, func() []byte { b := bytes.Clone(plain); b[3] = 10; return b }(), 0, "cut off"},
		{"segments to be cut by the card", 101, func() []byte { b := bytes.Clone(plain); b[2], b[3] = 0, 0; return b }(), 0, want},
		{"segments of IPv6 to be cut by the card", 101, func() []byte { b := ip6(6, segment); b[4], b[5] = 0, 0; return b }(), 0, want6},
	} {
		p := capture.Packet{Link: tt.link, Data: tt.data, Size: max(tt.size, len(tt.data))}
		g, content := p.TCP()
		got := map[capture.Content]string{capture.Other: "other", capture.Fragment: "fragment", capture.CutOff: "cut off", capture.Unknown: "unknown"}[content]
		if content == capture.TCP {
			flags := ""
			for i, is := range []bool{g.FIN, g.SYN, g.RST, g.ACK} {
				if is {
					flags += "FSRA"[i : i+1]
				}
			}
			got = fmt.Sprintf("%s %s %d %d %s %q", g.Src, g.Dst, g.Seq, g.Ack, flags, g.Payload)
			if g.Missing > 0 {
				got += fmt.Sprintf(" and %d", g.Missing)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Packets of any bytes and any link type are nothing to panic about.
func FuzzTCP(f *testing.F) {
	f.Add(uint32(1), ethernet(0x0800, ip4(6, "", 0, tcp(0x18, "", "hello"))), 100)
	f.Add(uint32(101), ip6(0, []byte{6, 0, 0, 0, 0, 0, 0, 0}), 0)
	f.Fuzz(func(t *testing.T, link uint32, data []byte, size int) {
		p := capture.Packet{Link: capture.LinkType(link), Data: data, Size: size & 0xffffff}
		g, content := p.TCP()
		if content == capture.TCP && (len(g.Payload) > len(data) || g.Missing < 0 || g.Missing > 1<<24+65535) {
			t.Fatalf("got %d bytes and %d missing of %d", len(g.Payload), g.Missing, len(data))
		}
	})
}
