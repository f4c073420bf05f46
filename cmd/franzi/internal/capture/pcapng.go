package capture

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// The blocks of pcapng that matter here; others are skipped.
const (
	blockInterface = 1
	blockPacketOld = 2
	blockSimple    = 3
	blockPacket    = 6
	blockSection   = 0x0a0d0d0a
)

// A captured interface is what packets of pcapng refer to.
type captured struct {
	link   LinkType
	snap   uint32
	units  uint64 // of a timestamp in a second
	offset int64  // of timestamps, in seconds
}

// nextBlock reads blocks up to the next packet.
func (r *Reader) nextBlock() (*Packet, error) {
	for {
		begin, err := r.in.Peek(12)
		if len(begin) == 0 {
			return nil, err // io.EOF between blocks
		}
		if len(begin) < 12 {
			_, err := r.read(12)
			return nil, err
		}
		if binary.BigEndian.Uint32(begin) == blockSection {
			r.interfaces = nil
			if r.order = byteOrder(begin[8:]); r.order == nil {
				return nil, fmt.Errorf("%w: a section without byte order", ErrDamaged)
			}
		}
		kind, size := r.order.Uint32(begin), r.order.Uint32(begin[4:])
		if size < 12 || size%4 != 0 || size > maxPacket+1<<10 {
			return nil, fmt.Errorf("%w: a block of %d bytes", ErrDamaged, size)
		}
		b, err := r.read(int(size))
		if err != nil {
			return nil, err
		}
		p, err := r.block(kind, b[8:size-4])
		if p != nil || err != nil {
			return p, err
		}
	}
}

func byteOrder(magic []byte) binary.ByteOrder {
	switch binary.BigEndian.Uint32(magic) {
	case 0x1a2b3c4d:
		return binary.BigEndian
	case 0x4d3c2b1a:
		return binary.LittleEndian
	}
	return nil
}

// block reads what is in a block; it returns nil if that is no packet.
func (r *Reader) block(kind uint32, b []byte) (*Packet, error) {
	switch {
	case kind == blockInterface && len(b) >= 8:
		return nil, r.addInterface(b)
	case kind == blockPacket && len(b) >= 20:
		return r.packet(r.order.Uint32(b), b)
	case kind == blockPacketOld && len(b) >= 20:
		return r.packet(uint32(r.order.Uint16(b)), b)
	case kind == blockSimple && len(b) >= 4:
		if len(r.interfaces) == 0 {
			return nil, fmt.Errorf("%w: a packet before all interfaces", ErrDamaged)
		}
		size := r.order.Uint32(b)
		n := min(uint64(size), uint64(len(b)-4))
		if snap := r.interfaces[0].snap; snap > 0 {
			n = min(n, uint64(snap))
		}
		return &Packet{Link: r.interfaces[0].link, Data: b[4 : 4+n], Size: int(min(size, maxPacket))}, nil
	case kind == blockInterface || kind == blockPacket || kind == blockPacketOld || kind == blockSimple:
		return nil, fmt.Errorf("%w: a block of type %d that is too short", ErrDamaged, kind)
	}
	return nil, nil
}

func (r *Reader) packet(number uint32, b []byte) (*Packet, error) {
	if uint64(number) >= uint64(len(r.interfaces)) {
		return nil, fmt.Errorf("%w: a packet of interface %d, but there are %d", ErrDamaged, number, len(r.interfaces))
	}
	n := r.order.Uint32(b[12:])
	if uint64(n) > uint64(len(b)-20) {
		return nil, fmt.Errorf("%w: a packet of %d bytes in a block of %d", ErrDamaged, n, len(b))
	}
	i := &r.interfaces[number]
	stamp := uint64(r.order.Uint32(b[4:]))<<32 | uint64(r.order.Uint32(b[8:]))
	return &Packet{Time: i.time(stamp), Link: i.link, Data: b[20 : 20+n], Size: int(min(r.order.Uint32(b[16:]), maxPacket))}, nil
}

// time is what a timestamp says. Its seconds and what remains of them are whole numbers of
// the interface's units.
func (i *captured) time(stamp uint64) time.Time {
	high, low := bits.Mul64(stamp%i.units, uint64(time.Second))
	fraction, _ := bits.Div64(high, low, i.units) // less than a second
	return time.Unix(int64(stamp/i.units)+i.offset, int64(fraction)).UTC()
}

// addInterface reads the description of an interface.
func (r *Reader) addInterface(b []byte) error {
	i := captured{link: LinkType(r.order.Uint16(b)), snap: r.order.Uint32(b[4:]), units: 1e6}
	for o := b[8:]; len(o) >= 4; {
		code, n := r.order.Uint16(o), int(r.order.Uint16(o[2:]))
		o = o[4:]
		if code == 0 || n > len(o) {
			break
		}
		switch value := o[:n]; {
		case code == 9 && n >= 1: // if_tsresol: a power of ten, or of two
			power := value[0] & 0x7f
			switch {
			case value[0]&0x80 != 0 && power < 64:
				i.units = 1 << power
			case value[0]&0x80 == 0 && power < 20:
				i.units = uint64(math.Pow10(int(power)))
			default:
				return fmt.Errorf("%w: an interface with a clock of resolution %d", ErrDamaged, value[0])
			}
		case code == 14 && n >= 8: // if_tsoffset
			i.offset = int64(r.order.Uint64(value))
		}
		o = o[min((n+3)&^3, len(o)):]
	}
	r.interfaces = append(r.interfaces, i)
	return nil
}
