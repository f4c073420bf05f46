package model_test

import (
	"fmt"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

// What is known of a message.
func ExampleLoad() {
	m, err := model.Load(spec.FS)
	if err != nil {
		fmt.Println(err)
		return
	}
	msg := m.Message("HeartbeatRequest")
	fmt.Printf("%s %s, versions %s\n", msg.GoName, msg.Doc, msg.Def.Valid)
	for _, f := range msg.Root.Fields {
		fmt.Printf("%s %s since version %d\n", f.GoName, f.Def.Type, f.Def.Versions.Min)
	}
	// Output:
	// HeartbeatRequest keeps a member of a classic group alive and tells it of rebalances, versions 0-4
	// GroupID string since version 0
	// GenerationID int32 since version 0
	// MemberID string since version 0
	// GroupInstanceID string since version 3
}
