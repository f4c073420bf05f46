package main

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A talk is a capture that is made: raw IP packets in the format pcap, one each millisecond.
type talk struct {
	b   []byte
	now time.Time
}

func newTalk(link uint32) *talk {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0)
	return &talk{le.AppendUint32(b, link), time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)}
}

// packet adds a packet of which the last bytes are missing.
func (c *talk) packet(data []byte, missing int) {
	le := binary.LittleEndian
	c.now = c.now.Add(time.Millisecond)
	c.b = le.AppendUint32(c.b, uint32(c.now.Unix()))
	c.b = le.AppendUint32(c.b, uint32(c.now.Nanosecond()/1000))
	c.b = le.AppendUint32(c.b, uint32(len(data)-missing))
	c.b = le.AppendUint32(c.b, uint32(len(data)))
	c.b = append(c.b, data[:len(data)-missing]...)
}

// ip is a packet from 10.0.0.1 to 10.0.0.2, or back.
func ip(protocol byte, back bool, inside []byte) []byte {
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(inside)))
	b = append(b, 0, 0, 0x40, 0, 64, protocol, 0, 0)
	if back {
		b = append(b, 10, 0, 0, 2, 10, 0, 0, 1)
	} else {
		b = append(b, 10, 0, 0, 1, 10, 0, 0, 2)
	}
	return append(b, inside...)
}

// A talker is a connection in a capture.
type talker struct {
	*talk
	port, listener uint16
	seq            [2]uint32
}

const (
	fin byte = 1
	syn byte = 2
	ack byte = 16
)

func (c *talk) dial(port, listener uint16) *talker {
	d := &talker{c, port, listener, [2]uint32{1000, 5000}}
	d.segment(0, syn, nil, 0)
	d.segment(1, syn|ack, nil, 0)
	return d
}

// segment adds a segment of the client, 0, or the broker, 1.
func (d *talker) segment(from int, flags byte, payload []byte, missing int) {
	ports := [2]uint16{d.port, d.listener}
	b := binary.BigEndian.AppendUint16(nil, ports[from])
	b = binary.BigEndian.AppendUint16(b, ports[1-from])
	b = binary.BigEndian.AppendUint32(b, d.seq[from])
	b = binary.BigEndian.AppendUint32(b, d.seq[1-from])
	b = append(b, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	d.packet(ip(6, from == 1, append(b, payload...)), missing)
	d.seq[from] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		d.seq[from]++
	}
}

func (d *talker) says(b []byte)  { d.segment(0, ack, b, 0) }
func (d *talker) hears(b []byte) { d.segment(1, ack, b, 0) }

func (d *talker) ends() {
	d.segment(0, fin|ack, nil, 0)
	d.segment(1, fin|ack, nil, 0)
}

func framed(t *testing.T, id int32, m kmsg.Message) []byte {
	t.Helper()
	var b []byte
	var err error
	if req, ok := m.(kmsg.Request); ok {
		b, err = kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: id, ClientID: kbin.Str("app")}, req)
	} else {
		b, err = kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: id}, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message is a message of JSON.
func message(t *testing.T, name string, version int16, json string) kmsg.Message {
	t.Helper()
	m := newMessage(name)
	m.SetAPIVersion(version)
	a := newApp(nil, nil, nil, nil)
	a.model = definitions
	if err := a.unmarshal(new(kjson.Codec), name, []byte(json), m); err != nil {
		t.Fatal(err)
	}
	return m
}

// captureOf makes a capture by its name in transcripts.
func captureOf(t *testing.T, name string) []byte {
	t.Helper()
	c := newTalk(101)
	pair := func(d *talker, id int32, api string, version int16, request, response string) {
		d.says(framed(t, id, message(t, api+"Request", version, request)))
		d.hears(framed(t, id, message(t, api+"Response", version, response)))
	}
	const metadata, brokers = `{"topics":[{"name":"orders"}]}`, `{"brokers":[{"nodeId":1,"host":"h","port":9092}]}`
	produce := func(acks string) string {
		return `{"acks":` + acks + `,"topicData":[{"name":"orders","partitionData":[{"records":[{"records":[{"timestamp":1700000000000,"key":"k","value":"hunter2"}]}]}]}]}`
	}
	switch name {
	case "orders":
		d := c.dial(50000, 9092)
		pair(d, 1, "ApiVersions", 3, `{"clientSoftwareName":"app","clientSoftwareVersion":"1"}`, `{"apiKeys":[{"apiKey":3,"maxVersion":12}]}`)
		pair(d, 2, "Metadata", 12, metadata, brokers)
		d.says(framed(t, 3, message(t, "ProduceRequest", 3, produce("0"))))
		fetched := `{"responses":[{"topic":"orders","partitions":[{"records":[{"baseOffset":7,"records":[{"timestamp":1700000000000,"key":"k","value":"v"}]},{"partial":true,"base64":"AAAAAAAAAAgAAABC"}]}]}]}`
		pair(d, 4, "Fetch", 4, `{"topics":[{"topic":"orders","partitions":[{"fetchOffset":7}]}]}`, fetched)
		d.says(framed(t, 5, message(t, "MetadataRequest", 12, metadata)))
		d.ends()
	case "sasl":
		d := c.dial(50000, 9092)
		pair(d, 1, "SaslHandshake", 0, `{"mechanism":"PLAIN"}`, `{"mechanisms":["PLAIN"]}`)
		d.says(append([]byte{0, 0, 0, 14}, "\x00alice\x00hunter2"...))
		d.hears([]byte{0, 0, 0, 0})
		d = c.dial(50001, 9092)
		pair(d, 1, "SaslHandshake", 1, `{"mechanism":"PLAIN"}`, `{"mechanisms":["PLAIN"]}`)
		pair(d, 2, "SaslAuthenticate", 1, `{"authBytes":"AGFsaWNlAGh1bnRlcjI="}`, `{"sessionLifetimeMs":1000}`)
		d.says(framed(t, 3, message(t, "ProduceRequest", 3, produce("1"))))
	case "tls":
		d := c.dial(50000, 9093)
		d.says(append([]byte{22, 3, 1, 0, 50, 1}, make([]byte, 49)...))
		d = c.dial(50001, 9093)
		d.says(append([]byte{22, 3, 1, 0, 50, 1}, make([]byte, 49)...))
	case "missing":
		d := c.dial(50000, 9092)
		m := framed(t, 1, message(t, "MetadataRequest", 12, metadata))
		r := framed(t, 1, message(t, "MetadataResponse", 12, brokers))
		d.segment(0, ack, m, 20)
		d.segment(1, ack, r, 10)
		d.says(m[:30])
		d.seq[0] += uint32(len(m)) - 30
		d.hears(r)
		d.segment(1, ack, nil, 0)
		d.seq[1] -= uint32(len(r))
		d.hears(r) // again
		d.seq[0] += 1000
		d.hears(r)
		pair(d, 2, "Metadata", 12, metadata, brokers)
	case "undecodable":
		d := c.dial(50000, 9092)
		pair(d, 1, "Metadata", 12, metadata, brokers)
		m := framed(t, 2, message(t, "MetadataRequest", 12, metadata))
		m[7] = 99
		d.says(m)
		d.hears(framed(t, 2, message(t, "MetadataResponse", 12, brokers)))
		d.says(framed(t, 3, message(t, "MetadataRequest", 12, metadata)))
		d.hears(append([]byte{0, 0, 0, 8}, 0, 0, 0, 3, 1, 2, 3, 4))
		broken := framed(t, 4, message(t, "FetchResponse", 4, `{"responses":[{"topic":"orders","partitions":[{"records":[{"records":[{"value":"v"}]}]}]}]}`))
		broken[len(broken)-2] = 'w'
		d.says(framed(t, 4, message(t, "FetchRequest", 4, `{}`)))
		d.hears(broken)
		d.hears(framed(t, 99, message(t, "MetadataResponse", 12, brokers)))
	case "joined":
		d := &talker{c, 50000, 9092, [2]uint32{1000, 5000}}
		m := framed(t, 1, message(t, "MetadataRequest", 12, metadata))
		d.says(m[20:])
		d.hears(framed(t, 1, message(t, "MetadataResponse", 12, brokers)))
		pair(d, 2, "Metadata", 12, metadata, brokers)
	case "others":
		d := c.dial(50000, 80)
		d.says([]byte("GET / HTTP/1.1\r\n\r\n"))
		c.packet(ip(17, false, make([]byte, 20)), 0)
		fragment := ip(6, false, make([]byte, 40))
		fragment[6] = 0x20
		c.packet(fragment, 0)
		c.packet(ip(6, false, make([]byte, 40)), 30)
	case "link":
		c = newTalk(147)
		c.packet(make([]byte, 20), 0)
		c.packet(make([]byte, 20), 0)
	case "cut":
		pair(c.dial(50000, 9092), 1, "Metadata", 12, metadata, brokers)
		c.packet(make([]byte, 100), 0)
		return c.b[:len(c.b)-1]
	case "damaged":
		pair(c.dial(50000, 9092), 1, "Metadata", 12, metadata, brokers)
		return append(c.b, strings.Repeat("\xff", 40)...)
	default:
		t.Fatalf("no capture %q", name)
	}
	return c.b
}
