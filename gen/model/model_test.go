package model

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/spec"
)

// small is a spec of one API and one record, with one of everything in its overlays.
func small() map[string]string {
	return map[string]string{
		"clients/PingRequest.json": `{
  "apiKey": 0, "type": "request", "listeners": ["broker"], "name": "PingRequest", "validVersions": "0-2", "flexibleVersions": "2+",
  "fields": [
    {"name": "kind", "type": "int8", "versions": "0+"},
    {"name": "TopicIds", "type": "[]uuid", "versions": "1+"},
    {"name": "Password", "type": "bytes", "versions": "0+"},
    {"name": "Configs", "type": "[]Config", "versions": "0+", "fields": [
      {"name": "Name", "type": "string", "versions": "0+"},
      {"name": "Value", "type": "string", "versions": "0+", "nullableVersions": "0+"},
      {"name": "IsSensitive", "type": "bool", "versions": "0+"}
    ]}
  ]}`,
		"clients/PingResponse.json": `{
  "apiKey": 0, "type": "response", "name": "PingResponse", "validVersions": "0-2", "flexibleVersions": "2+",
  "fields": [
    {"name": "ErrorCode", "type": "int16", "versions": "0+"},
    {"name": "Deep", "type": "Deep", "versions": "0-1"},
    {"name": "Deeps", "type": "[]Deep", "versions": "1+"}
  ],
  "commonStructs": [
    {"name": "Deep", "versions": "0+", "fields": [ {"name": "Version", "type": "string", "versions": "0+"} ]}
  ]}`,
		"metadata/PingResponseRecord.json": `{
  "apiKey": 3, "type": "metadata", "name": "PingResponseRecord", "validVersions": "0", "flexibleVersions": "0+",
  "fields": [ {"name": "Version", "type": "int16", "versions": "0+"} ]}`,
		"errors.json":        `[{"code": -1, "name": "UNKNOWN_SERVER_ERROR", "retriable": false}, {"code": 0, "name": "NONE", "retriable": false}, {"code": 1, "name": "BAD_ACL", "retriable": true, "exception": ["BadAcl"]}]`,
		"releases.json":      `[{"release": "3.0.0", "source": "definitions", "apis": {"Ping": "0-1"}, "broker": ["Ping"], "unstable": ["Ping"], "records": {"PingResponseRecord": "0"}}]`,
		"overlay/names.json": `{"initialisms": ["ID", "IDs", "ACL"], "renamedMessages": {}, "renamedFields": {}}`,
		"overlay/enums.json": `{
  "enums": [{"name": "PingKind", "type": "int8", "prefix": "Ping", "doc": "says how.", "fields": ["PingRequest.kind"],
    "values": [{"name": "Soft", "value": 0, "doc": "Softly."}, {"name": "Hard", "value": -1, "doc": "Hard."}]}],
  "constants": [{"name": "NoPing", "type": "int32", "value": -1, "doc": "stands for none."}]}`,
		"overlay/secrets.json": `{"bytes": ["PingRequest.Password"], "configs": [{"value": "PingRequest.Configs.Value", "name": "Name", "flag": "IsSensitive"}]}`,
		"overlay/hot.json":     `["PingRequest"]`,
		"overlay/docs.json": `{
  "apis": {"Ping": "pings"},
  "messages": {"PingResponseRecord": "is a record"},
  "fields": {"kind": "How.", "TopicIds": "Which.", "Password": "Who.", "Configs": "What.", "Name": "Its name.", "Value": "Its value.", "IsSensitive": "Whether.",
    "ErrorCode": "What went wrong.", "Deep": "Deep.", "Deeps": "All.", "Version": "Which version."},
  "paths": {"PingResponse.Deep.Version": "Which deep version."}}`,
		"overlay/errors.json": `[{"code": -1, "meaning": "m", "cause": "c", "remedy": "r"}, {"code": 0, "meaning": "m", "cause": "c", "remedy": "r"}, {"code": 1, "meaning": "m", "cause": "c", "remedy": "r"}]`,
	}
}

func folder(files map[string]string) fs.FS {
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return dir
}

// The model is what the facts say, with the names, types and sentences of the overlays.
func TestLoad(t *testing.T) {
	m, err := Load(folder(small()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, msg := range m.Messages {
		got = append(got, msg.Folder+" "+msg.GoName+": "+msg.Doc)
		for _, s := range msg.Structs {
			got = append(got, " "+s.GoName+" "+s.Versions.String())
			if s.Elements {
				got[len(got)-1] += " elements"
			}
			for _, f := range s.Fields {
				line := "  " + f.GoName + " " + f.JSONName() + ": " + f.Doc
				if f.Enum != nil {
					line += " (" + f.Enum.Name + ")"
				}
				if f.Secret {
					line += " (secret)"
				}
				got = append(got, line)
			}
			if c := s.Config; c != nil {
				got = append(got, "  config "+c.Name.GoName+" "+c.Value.GoName+" "+c.Flag.GoName)
			}
		}
	}
	want := []string{
		"clients PingRequest: pings",
		" PingRequest 0-2",
		"  Kind kind: How. (PingKind)",
		"  TopicIDs topicIds: Which.",
		"  Password password: Who. (secret)",
		"  Configs configs: What.",
		" PingRequestConfig 0-2 elements",
		"  Name name: Its name.",
		"  Value value: Its value.",
		"  IsSensitive isSensitive: Whether.",
		"  config Name Value IsSensitive",
		"clients PingResponse: answers PingRequest",
		" PingResponse 0-2",
		"  ErrorCode errorCode: What went wrong. (ErrorCode)",
		"  Deep deep: Deep.",
		"  Deeps deeps: All.",
		" PingResponseDeep 0-2 elements", // it can be met in 0-1, and in 1-2
		"  Version version: Which deep version.",
		"metadata PingResponseRecord: is a record",
		" PingResponseRecord 0",
		"  PingResponseRecordVersion version: Which version.", // Version is the message's own
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	if m.Response(m.Message("PingRequest")) != m.Message("PingResponse") || m.Message("Ping") != nil || m.Response(m.Message("PingResponseRecord")) != nil {
		t.Error("the response of PingRequest is not PingResponse, or something else has one")
	}
	if apis := m.APIs(); len(apis) != 1 || apis[0] != m.Message("PingRequest") {
		t.Errorf("got the APIs %v", apis)
	}
	codes := []*ErrorCode{
		{Code: -1, Name: "UNKNOWN_SERVER_ERROR", GoName: "UnknownServerError", Meaning: "m", Cause: "c", Remedy: "r"},
		{Code: 0, Name: "NONE", GoName: "None", Meaning: "m", Cause: "c", Remedy: "r"},
		{Code: 1, Name: "BAD_ACL", GoName: "BadACL", Retriable: true, Exception: []string{"BadAcl"}, Meaning: "m", Cause: "c", Remedy: "r"},
	}
	if d := cmp.Diff(m.Errors, codes); d != "" {
		t.Errorf("error codes (-got +want):\n%s", d)
	}
	rows := []*Release{{Release: "3.0.0", Source: "definitions", APIs: map[string]def.Versions{"Ping": {Min: 0, Max: 1}}, Broker: []string{"Ping"}, Unstable: []string{"Ping"}}}
	if d := cmp.Diff(m.Releases, rows); d != "" {
		t.Errorf("releases (-got +want):\n%s", d)
	}
}

// Each thing that is wrong in a spec is an error that says where.
func TestLoadFails(t *testing.T) {
	for _, tt := range []struct {
		name           string
		file, from, to string // a part of a file, and what it becomes; without from, the whole file
		want           string
	}{
		{"a file is missing", "overlay/enums.json", "", "", "overlay/enums.json"},
		{"a file is cut off", "overlay/docs.json", "", "{", "overlay/docs.json: unexpected EOF"},
		{"a file goes on", "errors.json", "", "[]\n[]", "errors.json: text after the end"},
		{"a member has a typing error", "overlay/enums.json", `"prefix"`, `"perfix"`, `overlay/enums.json: json: unknown field "perfix"`},
		{"a definition breaks the rules", "clients/PingRequest.json", `"[]uuid"`, `"[]uid"`, `clients/PingRequest.json:5:34: the field TopicIds: "[]uid" is no type`},
		{"a set of definitions breaks the rules", "clients/PingResponse.json", `"validVersions": "0-2"`, `"validVersions": "0-1"`, "PingRequest is valid in 0-2, its response in 0-1"},
		{"two files of one message", "metadata/PingRequest.json", "", small()["clients/PingRequest.json"], "metadata/PingRequest.json: PingRequest is described in clients/PingRequest.json too"},

		{"an enumeration of a field that is not there", "overlay/enums.json", `"PingRequest.kind"`, `"PingRequest.Kind"`, "overlay/enums.json: there is no field PingRequest.Kind"},
		{"an enumeration of a message that is not there", "overlay/enums.json", `"PingRequest.kind"`, `"PongRequest.kind"`, "overlay/enums.json: there is no field PongRequest.kind"},
		{"an enumeration of another type", "overlay/enums.json", `"type": "int8"`, `"type": "int16"`, "overlay/enums.json: PingRequest.kind of type int8 cannot be a PingKind"},
		{"an enumeration of a string that may be null", "overlay/enums.json", `"PingRequest.kind"`, `"PingRequest.Configs.Value"`, "overlay/enums.json: PingRequest.Configs.Value of type string cannot be a PingKind"},
		{"an enumeration of error codes", "overlay/enums.json", `"type": "int8", "prefix": "Ping", "doc": "says how.", "fields": ["PingRequest.kind"]`, `"type": "int16", "prefix": "Ping", "doc": "says how.", "fields": ["PingResponse.ErrorCode"]`,
			"overlay/enums.json: PingResponse.ErrorCode is a ErrorCode and a PingKind"},
		{"an enumeration of no type", "overlay/enums.json", `"type": "int8"`, `"type": "bool"`, `PingKind cannot be of type "bool": use int8, int16, int32, int64 or string`},
		{"an enumeration without a sentence", "overlay/enums.json", `"says how."`, `""`, "overlay/enums.json: no sentence says what PingKind is"},
		{"an enumeration without fields", "overlay/enums.json", `["PingRequest.kind"]`, `[]`, "PingKind has 2 values and 0 fields, but needs both"},
		{"an enumeration with another's name", "overlay/enums.json", `"PingKind"`, `"ErrorCode"`, "overlay/enums.json: ErrorCode is there twice"},
		{"an enumeration of a bad name", "overlay/enums.json", `"PingKind"`, `"pingKind"`, `"pingKind" cannot be the name of an enumeration`},
		{"a value of a bad name", "overlay/enums.json", `"Soft"`, `"So ft"`, `"PingSo ft" cannot be the name of a value of PingKind`},
		{"a value of an enumeration's name", "overlay/enums.json", `"Soft"`, `"Kind"`, "PingKind is there twice"},
		{"a value without a sentence", "overlay/enums.json", `"Softly."`, `""`, "overlay/enums.json: no sentence says what PingSoft is"},
		{"a value too large for the type", "overlay/enums.json", `"value": 0`, `"value": 128`, "PingSoft cannot have the value 128: it is of type int8"},
		{"a value too small for the type", "overlay/enums.json", `"value": 0`, `"value": -129`, "PingSoft cannot have the value -129"},
		{"a value that is not whole", "overlay/enums.json", `"value": 0`, `"value": 0.5`, "PingSoft cannot have the value 0.5"},
		{"a value of text", "overlay/enums.json", `"value": 0`, `"value": "0"`, "PingSoft cannot have the value 0: it is of type int8"},
		{"no value", "overlay/enums.json", `"value": 0, `, ``, "PingSoft cannot have the value <nil>"},
		{"two values of one number", "overlay/enums.json", `"value": 0`, `"value": -1`, "PingKind has the value -1 twice"},
		{"a constant too large", "overlay/enums.json", `"value": -1, "doc": "stands for none."`, `"value": 2147483648, "doc": "x"`, "NoPing of type int32 cannot have the value 2147483648"},
		{"a constant without a sentence", "overlay/enums.json", `"stands for none."`, `""`, "no sentence says what NoPing is"},

		{"a hot message that is not there", "overlay/hot.json", `"PingRequest"`, `"PongRequest"`, "overlay/hot.json: there is no message PongRequest"},
		{"a secret that is not there", "overlay/secrets.json", `"PingRequest.Password"`, `"PingRequest.Passwort"`, "overlay/secrets.json: there is no field PingRequest.Passwort"},
		{"a secret that is no bytes", "overlay/secrets.json", `"PingRequest.Password"`, `"PingRequest.kind"`, "overlay/secrets.json: PingRequest.kind is no bytes field"},
		{"a config that is not there", "overlay/secrets.json", `"PingRequest.Configs.Value"`, `"PingRequest.Configs.V"`, "overlay/secrets.json: there is no field PingRequest.Configs.V"},
		{"a config without the name", "overlay/secrets.json", `"name": "Name"`, `"name": "N"`, "overlay/secrets.json: there is no field PingRequest.Configs.N"},
		{"a config whose flag is none", "overlay/secrets.json", `"flag": "IsSensitive"`, `"flag": "Name"`, "overlay/secrets.json: PingRequest.Configs.Name of type string is no bool"},
		{"a config that is never null", "clients/PingRequest.json", `, "nullableVersions": "0+"`, ``, "overlay/secrets.json: PingRequest.Configs.Value of type string is no string that may be null"},

		{"an API without a sentence", "overlay/docs.json", `"Ping": "pings"`, ``, "overlay/docs.json: no sentence says what PingRequest is for"},
		{"a record without a sentence", "overlay/docs.json", `"PingResponseRecord": "is a record"`, ``, "overlay/docs.json: no sentence says what PingResponseRecord is for"},
		{"a field without a sentence", "overlay/docs.json", `"kind": "How.", `, ``, "overlay/docs.json: no sentence for the field PingRequest.kind"},
		{"a sentence for an API that is not there", "overlay/docs.json", `"Ping": "pings"`, `"Ping": "pings", "Pong": "pongs"`, "overlay/docs.json: there is no API Pong"},
		{"a sentence for a record that is not there", "overlay/docs.json", `"messages": {`, `"messages": {"PongRecord": "x", `, "overlay/docs.json: there is no message PongRecord"},
		{"a sentence for no field's name", "overlay/docs.json", `"kind": "How.", `, `"kind": "How.", "mind": "x", `, "overlay/docs.json: no message has a field mind"},
		{"a sentence for a place that is not there", "overlay/docs.json", `"PingResponse.Deep.Version"`, `"PingResponse.Deep.Verson"`, "overlay/docs.json: there is no field PingResponse.Deep.Verson"},

		{"an error code without a remedy", "overlay/errors.json", `"code": 1, "meaning": "m", "cause": "c", "remedy": "r"`, `"code": 1, "meaning": "m", "cause": "c"`, "overlay/errors.json: the error code 1 BAD_ACL needs a meaning, a cause and a remedy"},
		{"an error code without sentences", "errors.json", `{"code": 1,`, `{"code": 2, "name": "NEW", "retriable": false}, {"code": 1,`, "overlay/errors.json: the error code 2 NEW needs a meaning"},
		{"sentences for no error code", "overlay/errors.json", `"code": 1`, `"code": 7`, "overlay/errors.json: there is no error code 7"},
		{"sentences twice", "overlay/errors.json", `"code": 1`, `"code": 0`, "overlay/errors.json: the error code 0 is there twice"},
		{"an error code twice", "errors.json", `"code": 1`, `"code": 0`, "errors.json: the error code 0 is there twice"},
		{"error codes with a gap", "errors.json", `"code": 1`, `"code": 2`, "errors.json: there is no error code 1, but BAD_ACL is 2: import a release that has it"},
		{"API keys with a gap", "clients/PingRequest.json", `"apiKey": 0`, `"apiKey": 1`, "there is no API with the key 0, but Ping has the key 1"},

		{"a release with bad versions", "releases.json", `"0-1"`, `"1-0"`, "releases.json: Ping of 3.0.0: "},
		{"a release with an API of another name", "releases.json", `"Ping": "0-1"`, `"Ping": "0-1", "OldPing": "0"`, "releases.json: there is no API OldPing, which 3.0.0 has"},
		{"a release that serves what it lacks", "releases.json", `"broker": ["Ping"]`, `"broker": ["Ping", "Pong"]`, "releases.json: 3.0.0 lists Pong, but not which versions it has"},

		{"two fields of one name in Go", "clients/PingRequest.json", `{"name": "kind"`, `{"name": "TopicIDs", "type": "int8", "versions": "0+"}, {"name": "kind"`,
			"clients/PingRequest.json: the fields PingRequest.TopicIDs and PingRequest.TopicIds are both TopicIDs in Go: rename one"},
		{"two types of one name in Go", "clients/PingResponse.json", `"type": "Deep"`, `"type": "Record"`, "the struct Record of PingResponse and the message PingResponseRecord are both PingResponseRecord in Go: rename one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := small()
			switch {
			case tt.from != "" && strings.Count(files[tt.file], tt.from) != 1:
				t.Fatalf("%s has %q %d times, want it once", tt.file, tt.from, strings.Count(files[tt.file], tt.from))
			case tt.from != "":
				files[tt.file] = strings.Replace(files[tt.file], tt.from, tt.to, 1)
			case tt.to == "":
				delete(files, tt.file)
			default:
				files[tt.file] = tt.to
			}
			if tt.file == "clients/PingRequest.json" && strings.Contains(tt.to, `"apiKey"`) {
				files["clients/PingResponse.json"] = strings.Replace(files["clients/PingResponse.json"], tt.from, tt.to, 1)
			}
			if strings.HasSuffix(tt.to, `"Record"`) { // the struct, wherever it is named
				files[tt.file] = strings.NewReplacer(`"type": "[]Deep"`, `"type": "[]Record"`, `{"name": "Deep", "versions"`, `{"name": "Record", "versions"`).Replace(files[tt.file])
			}
			_, err := Load(folder(files))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got the error %v\nwant it to say %q", err, tt.want)
			} else if strings.Count(err.Error(), "\n") > 2 {
				t.Errorf("one fault gives many errors:\n%v", err)
			}
		})
	}
}

// All faults of a folder come at once.
func TestLoadReportsAll(t *testing.T) {
	files := small()
	files["overlay/secrets.json"] = `{"bytes": ["A.B", "C.D"], "configs": []}`
	files["overlay/docs.json"] = strings.Replace(files["overlay/docs.json"], `"kind": "How.", `, "", 1)
	_, err := Load(folder(files))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three errors", err)
	}
}

// Definitions of one's own take what fits of the overlays, and nothing of it is demanded.
func TestLoadOwn(t *testing.T) {
	own := map[string]string{
		"a/PingRequest.json": `{
  "apiKey": 0, "type": "request", "name": "PingRequest", "validVersions": "0", "flexibleVersions": "none",
  "fields": [
    {"name": "kind", "type": "int32", "versions": "0+", "about": "Of\nanother\ttype."},
    {"name": "Password", "type": "string", "versions": "0+"},
    {"name": "Configs", "type": "[]Config", "versions": "0+", "about": "", "fields": [ {"name": "Value", "type": "string", "versions": "0+", "nullableVersions": "0+"} ]}
  ]}`,
		"a/PingResponse.json": `{"apiKey": 0, "type": "response", "name": "PingResponse", "validVersions": "0", "flexibleVersions": "none", "fields": []}`,
		"b/c/MineData.json": `{
  "type": "data", "name": "MineData", "validVersions": "0", "flexibleVersions": "0+",
  "fields": [
    {"name": "kind", "type": "int8", "versions": "0+"},
    {"name": "Reset", "type": "bool", "versions": "0+", "about": "Called like a method."},
    {"name": "UnknownTags", "type": "[]Reset", "versions": "0+", "fields": [ {"name": "Reset", "type": "int8", "versions": "0+"}, {"name": "UnknownTags", "type": "int8", "versions": "0+"} ]}
  ]}`,
		// What an import writes beside definitions.
		"releases.json": `[]`, "errors.json": `[]`, "differences.json": `{}`, "overlay/names.json": `{}`,
		"README.md": "No definition.",
	}
	m, err := LoadWith(folder(small()), folder(own))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, msg := range m.Messages {
		if !msg.Hot {
			t.Errorf("%s is not hot, as all of one's own are", msg.GoName)
		}
		for _, s := range msg.Structs {
			for _, f := range s.Fields {
				if got[f.Path] = f.GoName + ": " + f.Doc; f.Enum != nil || f.Secret || s.Config != nil {
					t.Errorf("%s has a type of the overlays, which does not fit", f.Path)
				}
			}
		}
	}
	want := map[string]string{
		"PingRequest.kind":                 "Kind: Of\nanother\ttype.",
		"PingRequest.Password":             "Password: Who.", // a message of that name is Kafka's
		"PingRequest.Configs":              "Configs: What.",
		"PingRequest.Configs.Value":        "Value: Its value.",
		"MineData.kind":                    "Kind: ",
		"MineData.Reset":                   "MineDataReset: Called like a method.",
		"MineData.UnknownTags":             "MineDataUnknownTags: ",
		"MineData.UnknownTags.Reset":       "Reset: ",
		"MineData.UnknownTags.UnknownTags": "MineDataResetUnknownTags: ",
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	if !m.Own {
		t.Error("the model does not know that the definitions are somebody's own")
	}
	for name, own := range map[string]map[string]string{
		"an empty folder":                   {},
		"a response in another folder":      {"a/PingRequest.json": own["a/PingRequest.json"], "b/PingResponse.json": own["a/PingResponse.json"]},
		"a file that is no definition":      {"package.json": `{"name": "x"}`},
		"two fields of one name in Go":      {"A.json": `{"type": "data", "name": "A", "validVersions": "0", "flexibleVersions": "0+", "fields": [{"name": "topicId", "type": "int8", "versions": "0"}, {"name": "TopicID", "type": "int8", "versions": "0"}]}`},
		"a constructor's name":              {"A.json": `{"type": "data", "name": "A", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`, "NewA.json": `{"type": "data", "name": "NewA", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`},
		"a field that has the name made up": {"A.json": `{"type": "data", "name": "A", "validVersions": "0", "flexibleVersions": "0+", "fields": [{"name": "Version", "type": "int8", "versions": "0"}, {"name": "AVersion", "type": "int8", "versions": "0"}]}`},
	} {
		if m, err := LoadWith(folder(small()), folder(own)); err == nil {
			t.Errorf("%s: got %v, want an error", name, m)
		}
	}
}

// The names of spec/ stay: nothing of Kafka's is called like a method.
func TestSpec(t *testing.T) {
	m, err := Load(spec.FS)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(m.APIs()); got != 95 {
		t.Errorf("got %d APIs, want 95", got)
	}
	var renamed []string
	for _, msg := range m.Messages {
		for _, s := range msg.Structs {
			for _, f := range s.Fields {
				if strings.HasPrefix(f.GoName, s.GoName) {
					renamed = append(renamed, f.GoName)
				}
			}
		}
	}
	want := []string{"ConsumerGroupRegularExpressionValueVersion", "KRaftVersionRecordVersion", "LeaderChangeMessageVersion", "SnapshotFooterRecordVersion", "SnapshotHeaderRecordVersion", "VotersRecordVersion"}
	if d := cmp.Diff(slices.Sorted(slices.Values(renamed)), want); d != "" {
		t.Errorf("fields with the message's name before their own (-got +want):\n%s", d)
	}
}

// Overlays are written by hand; sorting them keeps changes small.
func TestDocsAreSorted(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "spec", "overlay", "docs.json"))
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for line := range strings.Lines(string(data)) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), `": "`)
		switch {
		case !ok:
			last = ""
		case name < last:
			t.Errorf("%s comes after %s", name[1:], last[1:])
		default:
			last = name
		}
	}
}

func TestNames(t *testing.T) {
	n := newNamer([]string{"ID", "IDs", "ACL", "ACLs", "ISR", "SASL"})
	for name, want := range map[string]string{
		"topicId": "TopicID", "TopicIds": "TopicIDs", "Id": "ID", "Identity": "Identity", "AclIdentifier": "ACLIdentifier",
		"isKRaftController": "IsKRaftController", "NewIsr": "NewISR", "saslHandshake": "SASLHandshake", "ResultsByAcls": "ResultsByACLs",
		"GroupID": "GroupID", "a": "A",
	} {
		if got := n.name(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for code, want := range map[string]string{"NONE": "None", "UNKNOWN_TOPIC_ID": "UnknownTopicID", "ILLEGAL_SASL_STATE": "IllegalSASLState"} {
		if got := n.errorName(code); got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
	for _, row := range []struct{ message, api, name, want string }{
		{"MetadataResponse", "Metadata", "MetadataResponseTopic", "MetadataResponseTopic"},
		{"FetchRequest", "Fetch", "FetchTopic", "FetchRequestTopic"},
		{"FetchRequest", "Fetch", "Fetch", "FetchRequestFetch"},
		{"FetchRequest", "Fetch", "FetchableTopic", "FetchRequestFetchableTopic"},
		{"FetchRequest", "Fetch", "Topic", "FetchRequestTopic"},
		{"FetchRequest", "Fetch", "FetchRequest", "FetchRequestRequest"},
		{"PartitionRecord", "PartitionRecord", "Topic", "PartitionRecordTopic"},
	} {
		if got := structName(row.message, row.api, row.name); got != row.want {
			t.Errorf("%s in %s: got %s, want %s", row.name, row.message, got, row.want)
		}
	}
}
