package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func responseTopic(t *testing.T, line string, version int16) kmsg.MetadataResponseTopic {
	words := strings.Fields(line)
	topic := kmsg.NewMetadataResponseTopic()
	topic.Name = kbin.NullString{S: words[0], Valid: words[0] != "-"}
	if !topic.Name.Valid {
		topic.Name.S = ""
	}
	for _, w := range words[1:] {
		if code, ok := strings.CutPrefix(w, "!"); ok {
			topic.ErrorCode = errorCode(code)
			continue
		}
		key, value, _ := strings.Cut(w, "=")
		if key == "id" {
			topic.TopicID = idOf(value)
			continue
		}
		part := kmsg.NewMetadataResponsePartition()
		part.PartitionIndex = atoi(key)
		value, code, failed := strings.Cut(value, "!")
		if failed {
			part.ErrorCode = errorCode(code)
		}
		value, isr, hasISR := strings.Cut(value, ",isr=")
		leader, epoch, _ := strings.Cut(value, "/")
		part.LeaderID = atoi(leader)
		if epoch != "" && version >= 7 {
			part.LeaderEpoch = atoi(epoch)
		}
		if part.LeaderID >= 0 {
			part.ReplicaNodes = []int32{part.LeaderID}
			part.ISRNodes = []int32{part.LeaderID}
		}
		if hasISR {
			part.ISRNodes = []int32{atoi(isr)}
		}
		topic.Partitions = append(topic.Partitions, part)
	}
	return topic
}

// args are the words of a command: plain ones, and those like name=value or #1.
type args struct {
	plain []string
	named map[string]string
}

func newArgs(words []string) args {
	a := args{named: map[string]string{}}
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok {
			a.named[name] = value
		} else if n, ok := strings.CutPrefix(w, "#"); ok {
			a.named["#"] = n
		} else if w == "all" || w == "create" || w == "now" {
			a.named[w] = "yes"
		} else {
			a.plain = append(a.plain, w)
		}
	}
	return a
}

func (a args) flag(name string) bool { return a.named[name] != "" }

func (a args) number(name string, otherwise int32) int32 {
	if s, ok := a.named[name]; ok {
		return atoi(s)
	}
	return otherwise
}

// atoi reads a number. A script that is wrong is not to be taken for another.
func atoi(s string) int32 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		panic(err)
	}
	return int32(n)
}

func (a args) ids(name string) []kbin.UUID {
	var ids []kbin.UUID
	for _, s := range strings.Split(a.named[name], ",") {
		if s != "" {
			ids = append(ids, idOf(s))
		}
	}
	return ids
}

// idOf makes ids of letters.
func idOf(s string) kbin.UUID { return kbin.UUID{15: s[0]} }

func idName(id kbin.UUID) string { return string(rune(id[15])) }

func targetName(broker int32, seed string) string {
	if seed != "" {
		return "of " + seed
	}
	return fmt.Sprintf("of %d", broker)
}

// broker reads "3" or "3@host:9092".
func broker(s string) Broker {
	id, addr, ok := strings.Cut(s, "@")
	if !ok {
		return Broker{ID: atoi(id), Host: "h" + id, Port: 9092}
	}
	host, port, _ := strings.Cut(addr, ":")
	return Broker{ID: atoi(id), Host: host, Port: atoi(port)}
}

func foundOf(words []string) []Coordinator {
	var found []Coordinator
	for _, w := range words {
		if key, code, ok := strings.Cut(w, "!"); ok {
			found = append(found, Coordinator{Key: key, Broker: Broker{ID: -1}, Code: errorCode(code)})
			continue
		}
		key, id, _ := strings.Cut(w, "=")
		if key == "unasked" {
			continue
		}
		found = append(found, Coordinator{Key: key, Broker: broker(id)})
	}
	return found
}

func coordinatorType(s string) kmsg.CoordinatorType {
	return map[string]kmsg.CoordinatorType{"group": kmsg.CoordinatorGroup, "txn": kmsg.CoordinatorTransaction}[s]
}

func errorCode(name string) kmsg.ErrorCode {
	c, ok := kmsg.ParseErrorCode(name)
	if !ok {
		panic("no error code " + name)
	}
	return c
}
