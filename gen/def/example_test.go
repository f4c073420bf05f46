package def_test

import (
	"fmt"

	"github.com/franzi-kafka/franzi/gen/def"
)

const older = `
// A comment of Kafka's.
{
  "apiKey": 12,
  "type": "request",
  "name": "HeartbeatRequest",
  "validVersions": "0-3",
  "flexibleVersions": "4+",
  "fields": [
    { "name": "GroupId", "type": "string", "versions": "0+", "about": "The group id." },
    { "name": "Generation", "type": "int32", "versions": "0+", "about": "The generation." }
  ]
}`

const newer = `{
  "apiKey": 12,
  "type": "request",
  "name": "HeartbeatRequest",
  "validVersions": "2-4",
  "flexibleVersions": "4+",
  "fields": [
    { "name": "GroupId", "type": "string", "versions": "2+" },
    { "name": "GenerationId", "type": "int32", "versions": "2+" },
    { "name": "GroupInstanceId", "type": "string", "versions": "4+", "nullableVersions": "4+", "default": "null" }
  ]
}`

func ExampleParse() {
	_, err := def.Parse("HeartbeatRequest.json", []byte(`{
  "type": "request",
  "name": "HeartbeatRequest",
  "validVersions": "0+",
  "flexibleVersions": "none",
  "fields": []
}`), def.Options{})
	fmt.Println(err)
	// Output:
	// HeartbeatRequest.json:4:3: validVersions is open-ended; write "0-5"
	// HeartbeatRequest.json:1:1: a request needs an apiKey; add it
}

func ExampleFormat() {
	m, err := def.Parse("HeartbeatRequest.json", []byte(older), def.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(def.Format(m)))
	// Output:
	// {
	//   "name": "HeartbeatRequest",
	//   "apiKey": 12,
	//   "type": "request",
	//   "validVersions": "0-3",
	//   "flexibleVersions": "4+",
	//   "fields": [
	//     {"name": "GroupId", "type": "string", "versions": "0+"},
	//     {"name": "Generation", "type": "int32", "versions": "0+"}
	//   ]
	// }
}

// A newer release dropped two versions and renamed a field.
func ExampleMerge() {
	base, err := def.Parse("newer.json", []byte(newer), def.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	other, err := def.Parse("older.json", []byte(older), def.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lost := func(v int16) bool { return v < 2 }
	today := func(name string) string {
		if name == "Generation" {
			return "GenerationId"
		}
		return name
	}
	m, err := def.Merge(base, other, lost, today)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Valid)
	for _, f := range m.Fields {
		fmt.Println(f.Name, f.Versions)
	}
	// Output:
	// 0-4
	// GroupId 0+
	// GenerationId 0+
	// GroupInstanceId 4+
}

func ExampleLayoutOf() {
	m, err := def.Parse("newer.json", []byte(newer), def.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range def.LayoutOf(m, 4) {
		fmt.Println(line)
	}
	fmt.Println(def.Difference(def.LayoutOf(m, 4), def.LayoutOf(m, 3)))
	// Output:
	// GroupId string
	// GenerationId int32
	// GroupInstanceId string nullable
	// GroupId string compact instead of GroupId string classic
}
