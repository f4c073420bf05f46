package fetch

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// ask answers what was asked of offsets and epochs.
func (s *story) ask() {
	if len(s.offsets) > 0 {
		a := s.offsets[0]
		s.offsets = s.offsets[1:]
		e := &Offsets{To: a, Err: errors.New("lost")}
		if s.calm || s.r.IntN(4) > 0 {
			e.Err, e.Response = nil, s.tellOffsets(a)
		}
		s.handle(e)
	}
	if len(s.epochs) > 0 {
		a := s.epochs[0]
		s.epochs = s.epochs[1:]
		e := &Epochs{To: a, Err: errors.New("lost")}
		if s.calm || s.r.IntN(4) > 0 {
			e.Err, e.Response = nil, s.tellEpochs(a)
		}
		s.handle(e)
	}
}

func (s *story) find(name string, id kbin.UUID, index int32) *modelLog {
	for _, m := range s.topics {
		if (name == m.name || name == "" && id == m.id) && int(index) < len(m.parts) {
			return m.parts[index]
		}
	}
	return nil
}

// fenced is what a leader says of an epoch.
func (l *modelLog) fenced(epoch int32) kmsg.ErrorCode {
	switch {
	case epoch >= 0 && epoch < l.epoch:
		return kmsg.FencedLeaderEpoch
	case epoch > l.epoch:
		return kmsg.UnknownLeaderEpoch
	}
	return kmsg.None
}

func (s *story) tellOffsets(a *AskOffsets) *kmsg.ListOffsetsResponse {
	resp := kmsg.NewListOffsetsResponse()
	resp.Version = 7
	for _, t := range a.Request().Topics {
		rt := kmsg.ListOffsetsResponseTopicResponse{Name: t.Name}
		for _, p := range t.Partitions {
			d := kmsg.NewListOffsetsResponsePartitionResponse()
			d.PartitionIndex = p.PartitionIndex
			l := s.find(t.Name, kbin.UUID{}, p.PartitionIndex)
			switch d.ErrorCode = l.fenced(p.CurrentLeaderEpoch); {
			case d.ErrorCode != kmsg.None:
			case p.Timestamp == kmsg.TimestampEarliest:
				d.Offset = l.start
			default:
				d.Offset = l.end()
			}
			rt.Partitions = append(rt.Partitions, d)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func (s *story) tellEpochs(a *AskEpochs) *kmsg.OffsetForLeaderEpochResponse {
	resp := kmsg.NewOffsetForLeaderEpochResponse()
	resp.Version = 4
	for _, t := range a.Request().Topics {
		rt := kmsg.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult{Topic: t.Topic}
		for _, p := range t.Partitions {
			d := kmsg.NewOffsetForLeaderEpochResponseEpochEndOffset()
			d.Partition, d.LeaderEpoch, d.EndOffset = p.Partition, -1, -1
			l := s.find(t.Topic, kbin.UUID{}, p.Partition)
			if d.ErrorCode = l.fenced(p.CurrentLeaderEpoch); d.ErrorCode == kmsg.None {
				d.LeaderEpoch, d.EndOffset = l.endOf(p.LeaderEpoch)
			}
			rt.Partitions = append(rt.Partitions, d)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// endOf is the largest epoch up to one that the log knows, and where it ends.
func (l *modelLog) endOf(epoch int32) (int32, int64) {
	if epoch == l.epoch {
		return epoch, l.end()
	}
	known, end := int32(-1), int64(-1)
	for _, b := range l.batches {
		if b.epoch <= epoch {
			known, end = b.epoch, b.last+1
		}
	}
	return known, end
}

// answer answers a request, or loses it.
func (s *story) answer() {
	if len(s.flights) == 0 {
		return
	}
	i := s.r.IntN(len(s.flights))
	f := s.flights[i]
	s.flights = slices.Delete(s.flights, i, i+1)
	s.purse.used -= f.Reserved
	e := &Answered{Request: f, Waited: time.Duration(s.r.IntN(20)) * time.Millisecond}
	low, high := max(f.MinVersion, 4), min(f.MaxVersion, 17)
	version := low + int16(s.r.IntN(int(high-low)+1))
	msg := &kmsg.FetchRequest{}
	f.Fill(msg, version)
	b := s.brokers[f.Broker-1]
	resp := s.serve(b, msg)
	trouble := s.r.IntN(12)
	if s.calm {
		trouble = -1
	}
	switch trouble {
	case 0:
		e.Failure = errors.New("connection reset")
	case 1:
		resp.ErrorCode, resp.Responses = kmsg.FetchSessionIDNotFound, nil
		delete(b.sessions, msg.SessionID)
	case 2: // the broker has forgotten all of its sessions
		clear(b.sessions)
	case 3: // it leaves something out, or says it twice
		if n := len(resp.Responses); n > 0 && version < 7 {
			resp.Responses = append(resp.Responses[:n-1], resp.Responses[:n-1]...)
		}
	}
	if e.Failure == nil {
		e.Response = resp
		s.note("answer %d.%d v%d session %d %v", f.Broker, f.Lane, version, resp.SessionID, resp.ErrorCode)
	} else {
		s.note("answer %d.%d is lost", f.Broker, f.Lane)
	}
	s.handle(e)
}

// serve is what a broker does with a Fetch.
func (s *story) serve(b *modelBroker, msg *kmsg.FetchRequest) *kmsg.FetchResponse {
	resp := kmsg.NewFetchResponse()
	resp.Version = msg.Version
	if err := msg.Check(); err != nil {
		s.fail("a request that cannot be: %v", err)
		return resp
	}
	var asked []*modelFetch
	for _, t := range msg.Topics {
		for _, p := range t.Partitions {
			id := t.TopicID
			if msg.Version < versionIDs {
				id = kbin.UUID{}
			}
			asked = append(asked, &modelFetch{t.Topic, id, p.Partition, p.FetchOffset, p.CurrentLeaderEpoch, p.PartitionMaxBytes, -1})
		}
	}
	var session *modelSession
	diff := false
	if msg.Version >= 7 {
		switch msg.SessionEpoch {
		case 0:
			delete(b.sessions, msg.SessionID)
			if s.calm || s.r.IntN(4) > 0 {
				b.last++
				session = &modelSession{epoch: 1, parts: asked}
				b.sessions[b.last] = session
				resp.SessionID = b.last
			}
		default:
			session = b.sessions[msg.SessionID]
			if session == nil {
				resp.ErrorCode = kmsg.FetchSessionIDNotFound
				return resp
			}
			if session.epoch != msg.SessionEpoch {
				resp.ErrorCode = kmsg.InvalidFetchSessionEpoch
				return resp
			}
			session.epoch++
			diff = true
			resp.SessionID = msg.SessionID
			session.update(asked, msg)
			asked = session.parts
		}
	}
	left := int(msg.MaxBytes)
	first := s.r.IntN(max(1, len(asked)))
	for i := range asked {
		p := asked[(first+i)%len(asked)]
		d, told := s.read(b, p, &left)
		if !told && diff {
			continue
		}
		resp.Responses = append(resp.Responses, kmsg.FetchResponseFetchableTopicResponse{
			Topic: p.topic, TopicID: p.id, Partitions: []kmsg.FetchResponsePartitionData{d},
		})
	}
	return resp
}

// update does what a request says: what it adds first, and what it forgets then.
func (session *modelSession) update(asked []*modelFetch, msg *kmsg.FetchRequest) {
	for _, p := range asked {
		i := slices.IndexFunc(session.parts, func(other *modelFetch) bool {
			return other.topic == p.topic && other.id == p.id && other.index == p.index
		})
		if i < 0 {
			session.parts = append(session.parts, p)
		} else {
			p.told = session.parts[i].told
			session.parts[i] = p
		}
	}
	for _, t := range msg.ForgottenTopicsData {
		for _, index := range t.Partitions {
			session.parts = slices.DeleteFunc(session.parts, func(p *modelFetch) bool {
				return p.topic == t.Topic && (p.id == t.TopicID || msg.Version < versionIDs) && p.index == index
			})
		}
	}
}

// read reads a partition, and reports whether there is anything to tell that was not told before.
func (s *story) read(b *modelBroker, p *modelFetch, left *int) (d kmsg.FetchResponsePartitionData, told bool) {
	d = kmsg.NewFetchResponsePartitionData()
	d.PartitionIndex, d.HighWatermark = p.index, -1
	l := s.find(p.topic, p.id, p.index)
	switch {
	case l == nil:
		d.ErrorCode = kmsg.UnknownTopicID
	case l.leader != b.id:
		d.ErrorCode = kmsg.NotLeaderOrFollower
	case l.fenced(p.epoch) != kmsg.None:
		d.ErrorCode = l.fenced(p.epoch)
	case p.offset < l.start || p.offset > l.end():
		d.ErrorCode = kmsg.OffsetOutOfRange
	}
	if d.ErrorCode != kmsg.None {
		return d, true
	}
	d.HighWatermark, d.LastStableOffset, d.LogStartOffset = l.end(), l.end(), l.start
	told = p.told != l.end()
	p.told = l.end()
	room := min(int(p.max), *left)
	d.Records = []byte{}
	for _, m := range l.batches {
		if m.last < p.offset {
			continue
		}
		if len(d.Records)+len(m.raw) > room && (len(d.Records) > 0 || *left <= 0) {
			if rest := room - len(d.Records); rest > 0 && s.r.IntN(2) == 0 {
				d.Records = append(d.Records, m.raw[:rest]...) // cut off
			}
			break
		}
		d.Records = append(d.Records, m.raw...)
	}
	*left -= len(d.Records)
	return d, told || len(d.Records) > 0
}

// append adds batches to logs, some of which lack their last records, as after compaction.
func (s *story) append() {
	for _, m := range s.topics {
		for _, l := range m.parts {
			for range s.r.IntN(4) {
				s.uniq++
				b := batch.NewBuilder(nil, batch.V2)
				base := l.end()
				b.BaseOffset = base
				n := 1 + s.r.IntN(20)
				for i := range n {
					b.AppendAt(base+int64(i), s.uniq, nil, make([]byte, s.r.IntN(300)), nil)
				}
				sealed := b.Seal()
				sealed.Checksum()
				raw := sealed.Bytes
				batch.Assign(raw, base, l.epoch)
				if s.r.IntN(4) == 0 {
					n += 1 + s.r.IntN(5)
					binary.BigEndian.PutUint32(raw[23:], uint32(n-1))
					binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
				}
				l.batches = append(l.batches, modelBatch{base, base + int64(n) - 1, l.epoch, s.uniq, raw})
			}
		}
	}
}

func (s *story) anyLog() (*modelTopic, *modelLog) {
	m := s.topics[s.r.IntN(len(s.topics))]
	return m, m.parts[s.r.IntN(len(m.parts))]
}

func (s *story) move() {
	_, l := s.anyLog()
	l.leader = 1 + s.r.Int32N(3)
	l.epoch++
}

func (s *story) truncate() {
	m, l := s.anyLog()
	n := len(l.batches)
	if n == 0 {
		return
	}
	l.leader = 1 + s.r.Int32N(3)
	l.epoch++
	l.batches = slices.Clone(l.batches[:n-1-s.r.IntN(min(n, 3))])
	if len(l.batches) == 0 {
		l.start = 0
	}
	s.note("truncate %s to %d, epoch %d", m.name, l.end(), l.epoch)
}

func (s *story) trim() {
	m, l := s.anyLog()
	if n := s.r.IntN(len(l.batches) + 1); n > 0 {
		l.start = l.batches[n-1].last + 1
		l.batches = l.batches[n:]
		s.note("trim %s to %d", m.name, l.start)
	}
}

func (s *story) recreate() {
	m, _ := s.anyLog()
	if m.id.IsZero() {
		return // nobody would know
	}
	m.id = s.newID()
	for i := range m.parts {
		m.parts[i] = &modelLog{leader: 1 + s.r.Int32N(3)}
	}
	s.note("recreate %s", m.name)
}
