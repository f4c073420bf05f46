package exchange

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kmsg"
)

// minRequest is the smallest request: a header of version 0.
const minRequest = 8

// opening is how many bytes of a connection are needed to tell what it speaks.
const opening = 14

// looksLikeRequest reports whether bytes, which begin with a size, may be the beginning of a
// request. All that is there counts, opening bytes at least. Strict means that the version must
// be one that is known.
func looksLikeRequest(b []byte, strict bool) bool {
	size := binary.BigEndian.Uint32(b)
	if size < minRequest || size > kmsg.MaxFrame {
		return false
	}
	key, version := kmsg.APIKey(int16(binary.BigEndian.Uint16(b[4:]))), int16(binary.BigEndian.Uint16(b[6:]))
	api := kmsg.LookupAPI(key)
	if api == nil || version < 0 || version > 127 || strict && (version < api.MinVersion || version > api.MaxVersion) {
		return false
	}
	if kmsg.RequestHeaderVersion(key, version) == 0 {
		return !strict
	}
	return clientIDFits(b[12:min(int(size)+4, len(b))], int(size)-8)
}

func looksLikeKnownRequest(b []byte) bool { return looksLikeRequest(b, true) }

// clientIDFits reports whether bytes begin with a client id that takes no more than room.
func clientIDFits(b []byte, room int) bool {
	if len(b) < 2 {
		return false
	}
	n := int(int16(binary.BigEndian.Uint16(b)))
	if n < -1 || n > room-2 {
		return false
	}
	b = b[2:]
	whole := n <= len(b)
	b = b[:max(min(n, len(b)), 0)]
	for len(b) > 0 {
		c, size := utf8.DecodeRune(b)
		if c == utf8.RuneError && size == 1 {
			return !whole && len(b) < utf8.UTFMax // cut off within a character
		}
		if !unicode.IsPrint(c) {
			return false
		}
		b = b[size:]
	}
	return true
}

// isRequest reports whether a frame, without its size, is a request to the last byte.
func isRequest(frame []byte) bool {
	_, _, err := kmsg.DecodeRequest(frame)
	return err == nil
}

// isResponse reports whether a frame is the response to a request, to the last byte.
func isResponse(frame []byte, to *Exchange) bool {
	api := to.api()
	if api == nil {
		return false
	}
	req := kmsg.NewRequest(api.Key)
	req.SetAPIVersion(to.Header.RequestAPIVersion)
	_, err := kmsg.DecodeResponse(frame, req.Response())
	return err == nil
}

// looksLikeTLS reports whether bytes begin with the header of a TLS record.
func looksLikeTLS(b []byte) bool {
	return len(b) >= 5 && b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4 &&
		binary.BigEndian.Uint16(b[3:]) >= 1 && binary.BigEndian.Uint16(b[3:]) <= 1<<14+2048
}

// isHello reports whether a connection begins as TLS does.
func isHello(b []byte) bool { return looksLikeTLS(b) && b[0] == 22 }

// isKerberos reports whether a frame is the first token of GSSAPI, with which clients of
// Kafka 0.9 begin instead of a request.
func isKerberos(b []byte) bool {
	size := binary.BigEndian.Uint32(b)
	return size > 16 && size < 1<<20 && b[4] == 0x60
}
