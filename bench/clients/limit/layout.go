package main

import (
	"encoding/binary"
	"hash/crc32"
)

// Where the fields of a batch's header are, in format 2.
const (
	offLength       = 8
	offMagic        = 16
	offCRC          = 17
	offAttributes   = 21
	offLastDelta    = 23
	offBaseTime     = 27
	offMaxTime      = 35
	offProducerID   = 43
	offProducerEp   = 51
	offBaseSequence = 53
	offCount        = 57
	headerLen       = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// count is the record count in a batch's header.
func count(b []byte) int { return int(binary.BigEndian.Uint32(b[offCount:])) }
