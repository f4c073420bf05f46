package fetch

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// answer reads what "answer" says and tells the cell.
func (p *player) answer(args []string, rest string) {
	r := p.flight(args[0])
	p.budget.used -= r.Reserved
	resp := kmsg.NewFetchResponse()
	resp.Version = 12
	e := &Answered{Request: r, Response: resp}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch {
		case name == "session":
			resp.SessionID = int32(p.number(value))
		case name == "v":
			resp.Version = int16(p.number(value))
		case name == "waited":
			e.Waited, _ = time.ParseDuration(value)
		case strings.HasPrefix(name, "!"):
			resp.ErrorCode = p.code(name[1:])
		default:
			p.fatalf("no such word %s", name)
		}
	}
	if resp.Version < r.MinVersion || resp.Version > r.MaxVersion {
		p.fatalf("version %d is not what was asked for: %d to %d", resp.Version, r.MinVersion, r.MaxVersion)
	}
	r.Fill(&kmsg.FetchRequest{}, resp.Version)
	for line := range strings.SplitSeq(rest, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		topic, index, _ := strings.Cut(words[0], "/")
		t := kmsg.FetchResponseFetchableTopicResponse{Topic: topic}
		if resp.Version >= versionIDs {
			name, id, known := strings.Cut(topic, ":") // an id that is not the topic's own
			if known {
				t.TopicID = idOf(id)
			} else if of := p.cell.names[name]; of != nil {
				t.TopicID = of.id
			}
			t.Topic = ""
		}
		d := kmsg.NewFetchResponsePartitionData()
		d.PartitionIndex, d.HighWatermark = int32(p.number(index)), -1
		p.tell(&d, words[1:])
		t.Partitions = append(t.Partitions, d)
		resp.Responses = append(resp.Responses, t)
	}
	resp.NodeEndpoints, p.endpoints = p.endpoints, nil
	p.handle(e)
}

// tell fills in what a partition's part of an answer says.
func (p *player) tell(d *kmsg.FetchResponsePartitionData, words []string) {
	pad := 0
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, "size="); ok {
			pad = int(p.number(v))
		}
	}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "size":
		case "end":
			d.HighWatermark = p.number(value)
		case "stable":
			d.LastStableOffset = p.number(value)
		case "start":
			d.LogStartOffset = p.number(value)
		case "records":
			for run := range strings.SplitSeq(value, ",") {
				d.Records = append(d.Records, p.batch(run, pad)...)
			}
		case "aborted":
			id, first, _ := strings.Cut(value, ":")
			d.AbortedTransactions = append(d.AbortedTransactions, kmsg.FetchResponseAbortedTransaction{ProducerID: p.number(id), FirstOffset: p.number(first)})
		case "leader":
			id, epoch, _ := strings.Cut(value, "/")
			d.CurrentLeader.LeaderID, d.CurrentLeader.LeaderEpoch = int32(p.number(id)), int32(p.number(epoch))
		case "preferred":
			d.PreferredReadReplica = int32(p.number(value))
		case "diverges":
			offset, epoch, _ := strings.Cut(value, "@")
			d.DivergingEpoch.EndOffset, d.DivergingEpoch.Epoch = p.number(offset), int32(p.number(epoch))
		case "cut": // the beginning of a batch of so many bytes
			b := p.batch(fmt.Sprint(0), 0)
			binary.BigEndian.PutUint32(b[8:], uint32(p.number(value)-12))
			d.Records = append(d.Records, b...)
		case "broken": // what is no batch
			b := p.batch(fmt.Sprint(0), 0)
			b[16] = 77
			d.Records = append(d.Records, b...)
		case "lying": // a batch whose offsets cannot be
			b := p.batch(value, 0)
			binary.BigEndian.PutUint32(b[23:], ^uint32(0))
			d.Records = append(d.Records, b...)
		default:
			if !strings.HasPrefix(w, "!") {
				p.fatalf("no such word %s", w)
			}
			d.ErrorCode = p.code(w[1:])
		}
	}
}

// batch makes a batch of "0-4", "0-4@6" with a leader epoch, "0-4/2" of which two records are left,
// "0-4/0" of which none is, "0-4:lz4" compressed, with pad bytes in it.
func (p *player) batch(text string, pad int) []byte {
	text, codec, packed := strings.Cut(text, ":")
	text, epoch, _ := strings.Cut(text, "@")
	text, left, compacted := strings.Cut(text, "/")
	first, last, _ := strings.Cut(text, "-")
	from := p.number(first)
	to := from
	if last != "" {
		to = p.number(last)
	}
	n := to - from + 1
	if compacted {
		n = p.number(left)
	}
	b := batch.NewBuilder(nil, batch.V2)
	b.BaseOffset = from
	for i := range n {
		value := []byte("v")
		if i == 0 {
			value = make([]byte, 1+pad)
		}
		b.AppendAt(from+i, 1000+i, nil, value, nil)
	}
	s := b.Seal()
	if packed {
		c, err := compress.ParseCodec(codec)
		if err != nil {
			p.fatalf("%v", err)
		}
		var codecs compress.Codecs
		if _, err := s.Compress(&codecs, compress.Settings{Codec: c}, nil); err != nil {
			p.fatalf("%v", err)
		}
	} else {
		s.Checksum()
	}
	raw := s.Bytes
	e := int64(5)
	if epoch != "" {
		e = p.number(epoch)
	}
	batch.Assign(raw, from, int32(e))
	binary.BigEndian.PutUint32(raw[23:], uint32(to-from)) // the last offset, whether or not its record is there
	return raw
}

// tellOffsets answers the oldest question for the partitions that are named.
func (p *player) tellOffsets(args []string) {
	resp := kmsg.NewListOffsetsResponse()
	resp.Version = 7
	var first string
	for _, a := range args {
		if a == "v=0" {
			resp.Version = 0
			continue
		}
		d := kmsg.NewListOffsetsResponsePartitionResponse()
		of, code, refused := strings.Cut(a, "!")
		of, value, _ := strings.Cut(of, "=")
		if refused {
			d.ErrorCode = p.code(code)
		} else {
			offset, epoch, known := strings.Cut(value, "@")
			d.Offset = p.number(offset)
			if known {
				d.LeaderEpoch = int32(p.number(epoch))
			}
			if d.Offset >= 0 {
				d.OldStyleOffsets = []int64{d.Offset}
			}
		}
		if first == "" {
			first = of
		}
		topic, index, _ := strings.Cut(of, "/")
		d.PartitionIndex = int32(p.number(index))
		resp.Topics = append(resp.Topics, kmsg.ListOffsetsResponseTopicResponse{Name: topic, Partitions: []kmsg.ListOffsetsResponsePartitionResponse{d}})
	}
	for i, ask := range p.offsets {
		if name(ask.Parts[0].Partition) == first || len(args) == 0 {
			p.offsets = append(p.offsets[:i], p.offsets[i+1:]...)
			p.handle(&Offsets{To: ask, Response: resp})
			return
		}
	}
	p.fatalf("nobody has asked")
}

// tellEpochs does the same for epochs.
func (p *player) tellEpochs(args []string) {
	resp := kmsg.NewOffsetForLeaderEpochResponse()
	resp.Version = 3
	for _, a := range args {
		if a == "v=1" {
			resp.Version = 1
			continue
		}
		d := kmsg.OffsetForLeaderEpochResponseEpochEndOffset{LeaderEpoch: -1, EndOffset: -1}
		of, code, refused := strings.Cut(a, "!")
		of, value, _ := strings.Cut(of, "=")
		if refused {
			d.ErrorCode = p.code(code)
		} else {
			offset, epoch, _ := strings.Cut(value, "@")
			d.EndOffset, d.LeaderEpoch = p.number(offset), int32(p.number(epoch))
		}
		topic, index, _ := strings.Cut(of, "/")
		d.Partition = int32(p.number(index))
		resp.Topics = append(resp.Topics, kmsg.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochResponseEpochEndOffset{d}})
	}
	ask := p.epochs[0]
	p.epochs = p.epochs[1:]
	p.handle(&Epochs{To: ask, Response: resp})
}

// show tells of partitions what cannot be seen otherwise.
func (p *player) show(args []string) {
	for _, part := range p.named(args) {
		p.say("%s position=%d@%d", name(part), part.position, part.epoch)
	}
}
