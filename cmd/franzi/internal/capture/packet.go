package capture

import (
	"encoding/binary"
	"net/netip"
)

// The link types whose packets are understood.
const (
	linkNull      LinkType = 0 // loopback of BSD and macOS, in the byte order of the machine
	linkEthernet  LinkType = 1
	linkRawBSD    LinkType = 12
	linkRawOther  LinkType = 14
	linkRaw       LinkType = 101
	linkLoop      LinkType = 108 // loopback of OpenBSD
	linkLinuxSLL  LinkType = 113 // of the interface "any"
	linkIPv4      LinkType = 228
	linkIPv6      LinkType = 229
	linkLinuxSLL2 LinkType = 276
)

// A Content is what a packet turned out to have.
type Content int

// What packets have.
const (
	TCP      Content = iota
	Other            // another protocol
	Fragment         // of an IP packet: fragments are not put together
	CutOff           // captured without all of its headers, or malformed
	Unknown          // of a link type that is not understood
)

// A Segment is a TCP segment.
type Segment struct {
	Src, Dst           netip.AddrPort
	Seq, Ack           uint32
	SYN, ACK, FIN, RST bool
	Payload            []byte // a view of the packet
	Missing            int    // bytes of the payload that were not captured, at its end
}

// Types of Ethernet frames.
const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherQinQ2 = 0x9100
)

// TCP returns the segment in a packet, or says what else it has.
func (p *Packet) TCP() (Segment, Content) {
	ip, content := p.ip()
	if content != TCP {
		return Segment{}, content
	}
	if len(ip) == 0 {
		return Segment{}, CutOff
	}
	missing := max(p.Size-len(p.Data), 0)
	switch ip[0] >> 4 {
	case 4:
		return ipv4(ip, missing)
	case 6:
		return ipv6(ip, missing)
	}
	return Segment{}, Other
}

// ip returns the IP packet inside.
func (p *Packet) ip() ([]byte, Content) {
	b := p.Data
	var kind uint16
	switch p.Link {
	case linkRaw, linkRawBSD, linkRawOther, linkIPv4, linkIPv6:
		return b, TCP
	case linkNull, linkLoop:
		if len(b) < 4 {
			return nil, CutOff
		}
		return b[4:], TCP // the family is told by the IP header too
	case linkEthernet:
		if len(b) < 14 {
			return nil, CutOff
		}
		kind, b = binary.BigEndian.Uint16(b[12:]), b[14:]
	case linkLinuxSLL:
		if len(b) < 16 {
			return nil, CutOff
		}
		kind, b = binary.BigEndian.Uint16(b[14:]), b[16:]
	case linkLinuxSLL2:
		if len(b) < 20 {
			return nil, CutOff
		}
		kind, b = binary.BigEndian.Uint16(b), b[20:]
	default:
		return nil, Unknown
	}
	for kind == etherVLAN || kind == etherQinQ || kind == etherQinQ2 {
		if len(b) < 4 {
			return nil, CutOff
		}
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	if kind != etherIPv4 && kind != etherIPv6 {
		return nil, Other
	}
	return b, TCP
}

const protocolTCP = 6

func ipv4(b []byte, missing int) (Segment, Content) {
	if len(b) < 20 {
		return Segment{}, CutOff
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	fragment := binary.BigEndian.Uint16(b[6:]) & 0x3fff // more to come, or not the first
	src, dst := netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	switch {
	case b[9] != protocolTCP:
		return Segment{}, Other
	case fragment != 0:
		return Segment{}, Fragment
	case header < 20 || header > len(b):
		return Segment{}, CutOff
	case total == 0: // the network card is to cut it into segments
		total = len(b) + missing
	case total < header:
		return Segment{}, CutOff
	}
	return tcp(b, header, total, src, dst)
}

func ipv6(b []byte, missing int) (Segment, Content) {
	if len(b) < 40 {
		return Segment{}, CutOff
	}
	next, total := b[6], 40+int(binary.BigEndian.Uint16(b[4:]))
	if total == 40 { // larger than 64 KiB, as network cards cut it into segments
		total = len(b) + missing
	}
	src, dst := netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	at := 40
	for {
		switch next {
		case protocolTCP:
			return tcp(b, at, total, src, dst)
		case 44:
			return Segment{}, Fragment
		case 0, 43, 60, 51: // extensions: hop by hop, routing, destination, authentication
		default:
			return Segment{}, Other
		}
		if len(b) < at+8 {
			return Segment{}, CutOff
		}
		size := 8 * (int(b[at+1]) + 1)
		if next == 51 {
			size = 4 * (int(b[at+1]) + 2)
		}
		next, at = b[at], at+size
	}
}

// tcp reads a segment that begins at byte at of an IP packet of a size; b is what was captured
// of it, and perhaps padding.
func tcp(b []byte, at, size int, src, dst netip.Addr) (Segment, Content) {
	b = b[:min(size, len(b))]
	if len(b) < at+20 {
		return Segment{}, CutOff
	}
	t := b[at:]
	header, flags := int(t[12]>>4)*4, t[13]
	if header < 20 || at+header > size {
		return Segment{}, CutOff
	}
	s := Segment{
		Src: netip.AddrPortFrom(src, binary.BigEndian.Uint16(t)),
		Dst: netip.AddrPortFrom(dst, binary.BigEndian.Uint16(t[2:])),
		Seq: binary.BigEndian.Uint32(t[4:]),
		Ack: binary.BigEndian.Uint32(t[8:]),
		FIN: flags&1 != 0, SYN: flags&2 != 0, RST: flags&4 != 0, ACK: flags&16 != 0,
		Missing: size - at - header,
	}
	if header < len(t) {
		s.Payload = t[header:]
		s.Missing -= len(s.Payload)
	}
	return s, TCP
}
