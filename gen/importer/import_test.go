package importer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars/jarstest"
)

// Three releases in any order make the same folder, which testdata/merged has.
func TestImportInAnyOrder(t *testing.T) {
	install(t)
	for _, order := range [][]string{
		{"2.3.0", "3.9.0", "4.0.0"},
		{"2.3.0", "4.0.0", "3.9.0"}, // the middle fills a gap of fields
		{"3.9.0", "2.3.0", "4.0.0"},
		{"3.9.0", "4.0.0", "2.3.0"},
		{"4.0.0", "2.3.0", "3.9.0"},
		{"4.0.0", "3.9.0", "2.3.0"},
	} {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			files := contents(t, imported(t, order...))
			for name := range contents(t, filepath.Join("testdata", "empty")) {
				delete(files, name) // is not the import's
			}
			merged := filepath.Join("testdata", "merged")
			if *update && order[2] == "4.0.0" && order[0] == "2.3.0" {
				if err := os.RemoveAll(merged); err != nil {
					t.Fatal(err)
				}
				for name, data := range files {
					writeFile(t, merged, name, data)
				}
			}
			if d := cmp.Diff(files, contents(t, merged)); d != "" {
				t.Errorf("(-got +want):\n%s", d)
			}
		})
	}
}

// Whatever is imported again, or older than all, changes no byte, and says so.
func TestImportAgain(t *testing.T) {
	install(t)
	dir := imported(t, "3.9.0", "4.0.0", "2.3.0")
	before := contents(t, dir)
	for _, release := range []string{"4.0.0", "2.3.0", "3.9.0"} {
		report, err := Import(t.Context(), dir, release)
		if err != nil {
			t.Fatal(err)
		}
		if report.Changed || !strings.Contains(text(t, report), "Nothing is new: all that Kafka "+release+" says was known.") {
			t.Errorf("%s again: changed %v, and says\n%s", release, report.Changed, text(t, report))
		}
		if d := cmp.Diff(contents(t, dir), before); d != "" {
			t.Errorf("%s again (-got +want):\n%s", release, d)
		}
	}
}

// No version is lost, whatever a newer release leaves out.
func TestImportLosesNothing(t *testing.T) {
	install(t)
	for _, order := range [][]string{{"3.9.0", "4.0.0"}, {"4.0.0", "3.9.0"}} {
		s, err := load(imported(t, order...))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"PingRequest": "0-4", "PingResponse": "0-4", "VoteRequest": "0-2", "StopRequest": "0-1", "StopResponse": "0-1", "EchoRequest": "0-1", "OffsetValue": "0-2",
		} {
			if m := s.messages[name]; m == nil || m.Valid.String() != want {
				t.Errorf("%v: got %v of %s, want the versions %s", order, m, name, want)
			}
		}
		if m := s.messages["DraftRecord"]; m != nil {
			t.Errorf("%v: DraftRecord, which differences.json drops, is there", order)
		}
	}
}

// The reports are fit for a changelog.
func TestReports(t *testing.T) {
	install(t)
	dir := emptySpec(t)
	for _, step := range []struct{ release, file string }{
		{"3.9.0", "first.md"},
		{"4.0.0", "newer.md"}, // new versions, APIs, fields and codes
		{"4.0.0", "again.md"},
		{"2.3.0", "older.md"}, // all is known, but for the row of releases.json
	} {
		golden(t, mustImport(t, dir, step.release), "reports/"+step.file)
	}
	dir = emptySpec(t)
	golden(t, mustImport(t, dir, "2.3.0"), "reports/oldest.md")
	golden(t, mustImport(t, dir, "3.9.0"), "reports/changes.md") // defaults, names, listeners, a code
}

// A folder without overlays gets those that are built in: 2.8 called AlterPartition AlterIsr.
func TestImportIntoBareFolder(t *testing.T) {
	install(t)
	bare := t.TempDir()
	mustImport(t, bare, "4.0.0")
	for _, name := range []string{"overlay", "differences.json"} {
		if _, err := os.Stat(filepath.Join(bare, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, want that it is not there", name, err)
		}
	}
	s, err := load(bare)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.names.Messages["AlterIsr"]; got != "AlterPartition" {
		t.Errorf("AlterIsr is %q today, want AlterPartition", got)
	}
	if !s.known.isDropped("QuotaRecord") {
		t.Error("the early access record QuotaRecord is not dropped")
	}
}

// What cannot be imported is an error that says what to do, and changes nothing.
func TestImportFails(t *testing.T) {
	install(t)
	for _, tt := range []struct {
		name    string
		release string
		spoil   func(t *testing.T, dir string)
		want    []string
	}{
		{"a release that was never made", "9.9.9", nil, []string{"no Kafka 9.9.9 in Maven", "kafka.apache.org/downloads"}},
		{"half a release", "4.0", nil, []string{`"4.0" is no Kafka release`, "like 4.4.0"}},
		{"a path", "../4.0.0", nil, []string{"is no Kafka release"}},
		{"a release without definitions", "2.1.1", nil, []string{"no message definitions", "gen probe 2.1.1"}},
		{"definitions that break the rules", "9.0.0", nil, []string{ // all of them, with their places
			"nothing was imported: the definitions of Kafka 9.0.0 break the rules of their language:\n",
			`kafka-clients-9.0.0.jar/common/message/BadRequest.json:9:28: the field A: "int31" is no type; use bool, int8,`,
			"BadResponse.json:8:55: the field has the unknown property \"abuot\"; Kafka knows about, ",
			"kafka-metadata-9.0.0.jar/common/metadata/BadRecord.json:7:1: ",
		}},
		{"a jar that is none", "9.0.1", nil, []string{"nothing was imported: ", "kafka-clients-9.0.1.jar: zip: not a valid zip file; remove its folder to fetch it again"}},
		{"jars without definitions", "9.0.2", nil, []string{"nothing was imported: there are no message definitions in the jars in "}},
		{"a Java program that prints nonsense", "9.0.3", nil, []string{`KafkaErrors.java against Kafka 9.0.3: it prints "0\tNONE\tfalse", which is no error code`}},
		{"versions with a gap", "9.1.0", nil, []string{"nothing was imported: Kafka 9.1.0 does not fit what is known; a release in between, imported first, may join them:\n",
			"PingRequest: versions 6-7 and 0-4 leave a gap: merge a release that has those between first", "PingResponse: versions 6-7 and 0-4"}},
		{"an API key of another", "9.2.0", nil, []string{"nothing was imported: with Kafka 9.2.0 merged in, definitions break the rules",
			"has the apiKey 0 of ", "import a release in between first, or give the old name in overlay/names.json"}},
		{"a definition in the folder that breaks the rules", "4.0.0",
			func(t *testing.T, dir string) {
				edit(t, dir, "clients/PingRequest.json", `"versions": "0+"}`, `"versions": "+0"}`)
			},
			[]string{filepath.FromSlash("clients/PingRequest.json:"), `"+0" is no version range`, `write "none", "3", "1-5" or "3+"`}},
		{"releases.json is something else", "4.0.0",
			func(t *testing.T, dir string) { writeFile(t, dir, "releases.json", `{}`) }, []string{"releases.json: "}},
		{"releases.json has no good versions", "4.0.0",
			func(t *testing.T, dir string) {
				writeFile(t, dir, "releases.json", `[{"release": "4.0.0", "source": "hand", "apis": {"Ping": "2-1"}}]`)
			},
			[]string{"releases.json: Ping of 4.0.0: ", "ends before it starts"}},
		{"releases.json has an unknown column", "4.0.0",
			func(t *testing.T, dir string) { writeFile(t, dir, "releases.json", `[{"relaese": "4.0.0"}]`) }, []string{`releases.json: json: unknown field "relaese"`}},
		{"errors.json goes on", "4.0.0",
			func(t *testing.T, dir string) { writeFile(t, dir, "errors.json", "[]\n[]\n") }, []string{"errors.json: text after the end"}},
		{"names.json is cut off", "4.0.0",
			func(t *testing.T, dir string) { writeFile(t, dir, "overlay/names.json", `{"initialisms": [`) }, []string{filepath.FromSlash("overlay/names.json: ")}},
		{"differences.json has no good versions", "4.0.0",
			func(t *testing.T, dir string) {
				writeFile(t, dir, "differences.json", `{"layouts": [{"message": "PingRequest", "versions": "x"}]}`)
			},
			[]string{"differences.json: PingRequest: ", `"x" is no version range`}},
		{"a file cannot be written", "4.0.0", // whoever runs the test
			func(t *testing.T, dir string) { writeFile(t, dir, "storage/SegmentRecord.json.new/in the way", "") }, []string{"nothing was changed: "}},
		{"the place of a folder is taken", "4.0.0",
			func(t *testing.T, dir string) { writeFile(t, dir, "storage", "") }, []string{"nothing was changed: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := imported(t, "2.3.0", "3.9.0")
			if strings.HasPrefix(tt.release, "9.1") {
				mustImport(t, dir, "4.0.0")
			}
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			before := contents(t, dir)
			report, err := Import(t.Context(), dir, tt.release)
			wantError(t, err, tt.want...)
			if report != nil {
				t.Errorf("got a report with the error: %v", report)
			}
			if d := cmp.Diff(contents(t, dir), before); d != "" {
				t.Errorf("the folder changed (-got +want):\n%s", d)
			}
		})
	}
}

func TestImportWithoutFolder(t *testing.T) {
	install(t)
	_, err := Import(t.Context(), filepath.Join(t.TempDir(), "none"), "4.0.0")
	wantError(t, err, "there is no folder ", "run this at the root of the repository, or name the folder")
}

// Without Maven, and without Java, the error says what to install.
func TestImportWithoutTools(t *testing.T) {
	install(t)
	dir := emptySpec(t)
	mustImport(t, dir, "3.9.0") // its jars are in the cache from now on
	before := contents(t, dir)
	jarstest.NoTools(t)
	_, err := Import(t.Context(), dir, "3.9.0")
	wantError(t, err, "no java in the PATH: install a JDK, 17 or later")
	_, err = Import(t.Context(), dir, "4.0.0")
	wantError(t, err, "no mvn in the PATH", "install the package maven")
	if d := cmp.Diff(contents(t, dir), before); d != "" {
		t.Errorf("the folder changed (-got +want):\n%s", d)
	}
}

// An import that is interrupted, whatever it waits for, leaves the folder as it was.
func TestImportInterrupted(t *testing.T) {
	install(t)
	for _, waitFor := range []string{"mvn", "java"} {
		t.Run(waitFor, func(t *testing.T) {
			dir := emptySpec(t)
			before := contents(t, dir)
			if waitFor == "java" { // the jars are there
				mustImport(t, t.TempDir(), "4.0.0")
			}
			started := jarstest.Hang(t)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := Import(ctx, dir, "4.0.0")
				done <- err
			}()
			if tool := <-started; !strings.HasPrefix(tool, waitFor) {
				t.Errorf("%s has started, want %s", tool, waitFor)
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want that the context was canceled", err)
			}
			if d := cmp.Diff(contents(t, dir), before); d != "" {
				t.Errorf("the folder changed (-got +want):\n%s", d)
			}
		})
	}
}

// An import that was killed while it replaced files is made whole by the next one.
func TestImportAfterKill(t *testing.T) {
	install(t)
	whole := contents(t, imported(t, "2.3.0", "3.9.0", "4.0.0"))
	for name := range whole {
		dir := imported(t, "2.3.0", "3.9.0")
		if old := contents(t, dir)[name]; old == whole[name] {
			continue
		}
		writeFile(t, dir, name, whole[name]) // one was replaced, the others were not
		writeFile(t, dir, name+".new", "half")
		mustImport(t, dir, "4.0.0")
		got := contents(t, dir)
		delete(got, name+".new") // is written over by the next change
		if d := cmp.Diff(got, whole); d != "" {
			t.Errorf("killed after %s (-got +want):\n%s", name, d)
		}
	}
}

// A message that moves to another jar moves to another folder.
func TestImportMovesFolders(t *testing.T) {
	install(t)
	dir := imported(t, "3.9.0", "4.0.0")
	data := contents(t, dir)["storage/SegmentRecord.json"]
	writeFile(t, dir, "metadata/SegmentRecord.json", data)
	if err := os.RemoveAll(filepath.Join(dir, "storage")); err != nil {
		t.Fatal(err)
	}
	mustImport(t, dir, "4.0.0")
	got := contents(t, dir)
	if _, still := got["metadata/SegmentRecord.json"]; still || got["storage/SegmentRecord.json"] != data {
		t.Error("SegmentRecord did not move to where the newest release has it")
	}
	if _, err := os.Stat(filepath.Join(dir, "metadata")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder that is empty now: got %v, want that it is gone", err)
	}
}
