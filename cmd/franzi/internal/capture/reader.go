package capture

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Packet is a packet as it was captured.
type Packet struct {
	Time time.Time // zero if the capture does not tell
	Link LinkType
	// Data is what was captured of it; it holds until the next one is read.
	Data []byte
	Size int // on the wire, which may be more
}

// A LinkType says what a packet begins with, in the numbers of capture files.
type LinkType uint32

// maxPacket is the largest packet that is taken for one; the tools that capture stop at 256 KiB.
const maxPacket = 16 << 20

// What can be wrong with a capture.
var (
	// ErrFormat says that the file is none.
	ErrFormat = errors.New("this is no capture in the format pcap or pcapng")
	// ErrDamaged says that it stops to be one.
	ErrDamaged = errors.New("the capture is damaged")
)

// A Reader reads the packets of a capture as they come. It is for one goroutine at a time.
type Reader struct {
	in   *bufio.Reader
	next func() (*Packet, error)
	data []byte // memory of the packet

	order binary.ByteOrder
	// Of pcap:
	link  LinkType
	unit  time.Duration // of the fraction of seconds
	extra int           // bytes in headers of packets beyond the usual ones
	// Of pcapng, see there:
	interfaces []captured
}

// NewReader returns a reader of a capture, which may be compressed with gzip. It reads the
// beginning.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 64<<10)}
	begin, _ := r.in.Peek(4) // too short is no capture, below
	if len(begin) == 4 && begin[0] == 0x1f && begin[1] == 0x8b {
		plain, err := gzip.NewReader(r.in)
		if err != nil {
			return nil, err
		}
		r.in = bufio.NewReaderSize(plain, 64<<10)
		begin, _ = r.in.Peek(4)
	}
	if len(begin) < 4 {
		_, err := r.in.Peek(4)
		if err == io.EOF || err == nil {
			err = ErrFormat
		}
		return nil, err
	}
	if binary.BigEndian.Uint32(begin) == blockSection {
		r.next = r.nextBlock
		return r, nil
	}
	r.next = r.nextPacket
	return r, r.header(begin)
}

// Next returns the next packet, [io.EOF] at the end, or [io.ErrUnexpectedEOF] at an end within
// a packet, as captures have it that were broken off.
func (r *Reader) Next() (*Packet, error) { return r.next() }

// header reads the beginning of a pcap file.
func (r *Reader) header(begin []byte) error {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		r.order = order
		switch order.Uint32(begin) {
		case 0xa1b2c3d4:
			r.unit = time.Microsecond
		case 0xa1b23c4d:
			r.unit = time.Nanosecond
		case 0xa1b2cd34: // of old libraries: headers have the interface and protocol as well
			r.unit, r.extra = time.Microsecond, 8
		default:
			continue
		}
		b, err := r.read(24)
		if err != nil {
			return err
		}
		r.link = LinkType(order.Uint32(b[20:]) & 0xffff) // above is the size of checksums
		return nil
	}
	return ErrFormat
}

func (r *Reader) nextPacket() (*Packet, error) {
	if _, err := r.in.Peek(1); err != nil {
		return nil, err // io.EOF between packets
	}
	b, err := r.read(16 + r.extra)
	if err != nil {
		return nil, err
	}
	p := &Packet{
		Time: time.Unix(int64(r.order.Uint32(b)), int64(r.order.Uint32(b[4:]))*int64(r.unit)).UTC(),
		Link: r.link,
		Size: int(min(r.order.Uint32(b[12:]), maxPacket)),
	}
	n := r.order.Uint32(b[8:])
	if n > maxPacket {
		return nil, fmt.Errorf("%w: a packet of %d bytes", ErrDamaged, n)
	}
	p.Data, err = r.read(int(n))
	return p, err
}

// read reads n bytes, which hold until the next call. It takes memory as bytes come.
func (r *Reader) read(n int) ([]byte, error) {
	r.data = r.data[:0]
	for len(r.data) < n {
		if len(r.data) == cap(r.data) {
			grown := make([]byte, len(r.data), max(4<<10, 2*len(r.data)))
			copy(grown, r.data)
			r.data = grown
		}
		m, err := io.ReadFull(r.in, r.data[len(r.data):min(n, cap(r.data))])
		r.data = r.data[:len(r.data)+m]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return r.data, nil
}
