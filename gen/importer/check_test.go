package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars/jarstest"
)

func TestCheck(t *testing.T) {
	install(t)
	dir := imported(t, "4.0.0", "3.9.0", "2.3.0")
	report, err := Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, text(t, report), "reports/check.md")

	// Explanations of releases that the folder does not know are not asked for.
	report, err = Check(t.Context(), imported(t, "3.9.0"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, text(t, report), "reports/check-one.md")
}

// Whatever is wrong is found, with its place. The report comes along.
func TestCheckFinds(t *testing.T) {
	install(t)
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  []string
	}{
		{"a field of another type",
			func(t *testing.T, dir string) {
				edit(t, dir, "clients/EchoRequest.json", `"type": "bytes", "versions": "0+", "zeroCopy": true`, `"type": "string", "versions": "0+"`)
			},
			[]string{"4.0.0: EchoRequest version 0 differs: Data string instead of Data bytes", "4.0.0: EchoRequest version 1 differs: "}},
		{"a field of a version alone",
			func(t *testing.T, dir string) {
				edit(t, dir, "clients/PingRequest.json", `"name": "Weight", "type": "float64", "versions": "4+"`, `"name": "Weight", "type": "float64", "versions": "3+"`)
			},
			[]string{"3.9.0: PingRequest version 3 differs: Routes.Weight float64 instead of Rack string nullable tag 0 default null", "4.0.0: PingRequest version 3 differs: "}},
		{"a missing version",
			func(t *testing.T, dir string) {
				edit(t, dir, "clients/StopRequest.json", `"validVersions": "0-1"`, `"validVersions": "1"`)
			},
			[]string{"3.9.0: StopRequest version 0 differs: spec/ has no such version"}},
		{"a version that no release has",
			func(t *testing.T, dir string) {
				edit(t, dir, "clients/EchoResponse.json", `"validVersions": "0-1"`, `"validVersions": "0-2"`)
			},
			[]string{"spec/ has EchoResponse version 2, which no release has"}},
		{"a missing message",
			func(t *testing.T, dir string) {
				edit(t, dir, "clients/EchoResponse.json", `"EchoResponse"`, `"PongResponse"`)
			},
			[]string{"4.0.0: EchoResponse is not in spec/: import the release", "spec/ has PongResponse version 0, which no release has"}},
		{"a difference that nothing explains",
			func(t *testing.T, dir string) {
				edit(t, dir, "differences.json", `"PingResponse"`, `"StopResponse"`)
			},
			[]string{"2.3.0: PingResponse version 1 differs: Nanos int64 instead of Millis int32", "differences.json explains StopResponse 1 of 2.3, but there is no difference: remove it"}},
		{"an explanation of another release",
			func(t *testing.T, dir string) {
				edit(t, dir, "differences.json", `{"message": "PingResponse", "versions": "1", "releases": "2.3"`, `{"message": "PingResponse", "versions": "1", "releases": "2.4-3.9"`)
			},
			[]string{"2.3.0: PingResponse version 1 differs: ", "differences.json explains PingResponse 1 of 2.4-3.9, but"}},
		{"a row of releases.json that says other versions",
			func(t *testing.T, dir string) { edit(t, dir, "releases.json", `"Ping": "0-3"`, `"Ping": "0-2"`) },
			[]string{"3.9.0: releases.json says of apis map[Ping:0-2 ", " the definitions map[Ping:0-3 "}},
		{"a row that says other listeners",
			func(t *testing.T, dir string) { edit(t, dir, "releases.json", "\"Echo\", \"Ping\"\n", "\"Ping\"\n") },
			[]string{"4.0.0: releases.json says of broker [Ping], the definitions [Echo Ping]"}},
		{"a row that says other unstable versions",
			func(t *testing.T, dir string) {
				edit(t, dir, "releases.json", "    \"unstable\": [\n      \"Echo\"\n    ]", "    \"unstable\": []")
			},
			[]string{"4.0.0: releases.json says of unstable [], the definitions [Echo]"}},
		// What does not show in the bytes of messages is compared with an import.
		{"another default", func(t *testing.T, dir string) {
			edit(t, dir, "clients/PingRequest.json", `"default": "1"`, `"default": "2"`)
		}, []string{"clients/PingRequest.json:11: it says\n\t" + `{"name": "Count", "type": "int16", "versions": "1+", "default": "2", "ignorable": true},` +
			"\nbut importing 3.9.0, 4.0.0 gives\n\t" + `{"name": "Count", "type": "int16", "versions": "1+", "default": "1", "ignorable": true},`}},
		{"a default of a version that only an old release has", func(t *testing.T, dir string) {
			edit(t, dir, "clients/PingRequest.json", `"default": "30"`, `"default": "31"`)
		}, []string{"clients/PingRequest.json:10: it says"}},
		{"not ignorable", func(t *testing.T, dir string) {
			edit(t, dir, "clients/PingRequest.json", `"default": "1", "ignorable": true`, `"default": "1"`)
		}, []string{"clients/PingRequest.json:11: it says"}},
		{"other listeners", func(t *testing.T, dir string) {
			edit(t, dir, "clients/EchoRequest.json", `["broker"]`, `["controller"]`)
		}, []string{"clients/EchoRequest.json:5: it says", `"listeners": ["controller"],`}},
		{"a version that is stable", func(t *testing.T, dir string) {
			edit(t, dir, "clients/EchoRequest.json", "  \"latestVersionUnstable\": true,\n", "")
		}, []string{"clients/EchoRequest.json:6: it says", `"latestVersionUnstable": true,`}},
		{"a field without its flag", func(t *testing.T, dir string) {
			edit(t, dir, "clients/EchoRequest.json", `, "zeroCopy": true`, ``)
		}, []string{"clients/EchoRequest.json:10: it says"}},
		{"an entity type", func(t *testing.T, dir string) {
			edit(t, dir, "clients/PingRequest.json", `"type": "string", "versions": "0+"`, `"type": "string", "versions": "0+", "entityType": "topicName"`)
		}, []string{"clients/PingRequest.json:9: it says"}},
		{"another name", func(t *testing.T, dir string) {
			edit(t, dir, "group-coordinator/OffsetValue.json", `"topicId"`, `"topic"`)
		}, []string{"group-coordinator/OffsetValue.json:9: it says"}},
		{"an error that is retriable", func(t *testing.T, dir string) {
			edit(t, dir, "errors.json", `"NONE", "retriable": false`, `"NONE", "retriable": true`)
		}, []string{"errors.json:3: it says"}},
		{"an error too many", func(t *testing.T, dir string) {
			edit(t, dir, "errors.json", "Exception\"]}\n]", "Exception\"]},\n  {\"code\": 4, \"name\": \"X\", \"retriable\": true}\n]")
		}, []string{"errors.json:6: it says"}},
		{"a text in another form", func(t *testing.T, dir string) {
			edit(t, dir, "clients/EchoRequest.json", "\n}\n", "\n}")
		}, []string{"clients/EchoRequest.json:13: it says\n\tnothing more\n"}},
		{"releases.json in another form", func(t *testing.T, dir string) {
			edit(t, dir, "releases.json", "\n]\n", "\n]\n\n")
		}, []string{"releases.json:"}},
		{"a message too many", func(t *testing.T, dir string) {
			writeFile(t, dir, "storage/MoreRecord.json", `{"name": "MoreRecord", "type": "data", "validVersions": "0", "flexibleVersions": "none", "fields": []}`)
		}, []string{"spec/ has MoreRecord version 0, which no release has", "storage/MoreRecord.json: importing 3.9.0, 4.0.0 gives no such file"}},
		{"a message in another folder", func(t *testing.T, dir string) {
			writeFile(t, dir, "metadata/SegmentRecord.json", contents(t, dir)["storage/SegmentRecord.json"])
			if err := os.RemoveAll(filepath.Join(dir, "storage")); err != nil {
				t.Fatal(err)
			}
		}, []string{"storage/SegmentRecord.json is missing: import 3.9.0, 4.0.0"}},
		{"a record of another type", func(t *testing.T, dir string) {
			edit(t, dir, "group-coordinator/OffsetValue.json", `"int64"`, `"int32"`)
		}, []string{"4.0.0: OffsetValue version 0 differs: offset int32 instead of offset int64"}},
		{"a row that says other records", func(t *testing.T, dir string) {
			edit(t, dir, "releases.json", `"SegmentRecord": "0"`, `"SegmentRecord": "0-1"`)
		}, []string{"4.0.0: releases.json says of records map["}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := imported(t, "2.3.0", "3.9.0", "4.0.0")
			tt.spoil(t, dir)
			report, err := Check(t.Context(), dir)
			wantError(t, err, tt.want...)
			if report == nil || len(report.Releases) != 3 {
				t.Errorf("got the report %v, want one of three releases", report)
			}
		})
	}
}

func TestCheckCannot(t *testing.T) {
	install(t)
	_, err := Check(t.Context(), t.TempDir())
	wantError(t, err, "knows no release with definitions: import one first")
	dir := imported(t, "4.0.0")
	writeFile(t, dir, "releases.json", strings.ReplaceAll(contents(t, dir)["releases.json"], "4.0.0", "9.0.0"))
	_, err = Check(t.Context(), dir)
	wantError(t, err, "the definitions of Kafka 9.0.0 break the rules of their language:\n")
	jarstest.NoTools(t)
	jarstest.EmptyCache(t)
	_, err = Check(t.Context(), dir)
	wantError(t, err, "no mvn in the PATH")
}

func TestSpeaksOf(t *testing.T) {
	for _, row := range []struct {
		releases, release string
		want              bool
	}{
		{"3.9", "3.9.2", true},
		{"3.9", "3.8.1", false},
		{"3.9", "3.10.0", false},
		{"3.9", "4.0.0", false},
		{"2.4-2.6", "2.3.1", false},
		{"2.4-2.6", "2.4.0", true},
		{"2.4-2.6", "2.5.1", true},
		{"2.4-2.6", "2.6.3", true},
		{"2.4-2.6", "2.7.0", false},
		{"2.4-2.6", "2.10.0", false},
		{"2.4-2.6", "2.60.0", false},
		{"3.9-4.0", "4.0.2", true},
		{"3.9-4.0", "4.1.0", false},
	} {
		if got := (layout{Releases: row.releases}).speaksOf(row.release); got != row.want {
			t.Errorf("%s speaks of %s: got %v, want %v", row.releases, row.release, got, row.want)
		}
	}
}
