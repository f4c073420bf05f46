package main

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// pools are what a program gives franz-go so that it uses memory again.
type pools struct {
	records sync.Pool // of *[]kgo.Record
	bytes   sync.Pool // of *[]byte
}

func newPools() []kgo.Pool { return []kgo.Pool{new(pools)} }

func (p *pools) GetRecords(n int) []kgo.Record {
	if s, ok := p.records.Get().(*[]kgo.Record); ok && cap(*s) >= n {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, n)
}

func (p *pools) PutRecords(s []kgo.Record) { p.records.Put(&s) }

func (p *pools) GetDecompressBytes(compressed []byte, codec kgo.CompressionCodecType) []byte {
	if b, ok := p.bytes.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 2*batchSize)
}

func (p *pools) PutDecompressBytes(b []byte) { p.bytes.Put(&b) }
