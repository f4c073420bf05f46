package importer

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Vectors come from the newest release that has the version: older ones add what is missing,
// under the names of today.
func TestVectorsOfReleases(t *testing.T) {
	install(t)
	s, err := load(imported(t, "2.3.0", "3.9.0", "4.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]*Release{}
	for i := range s.releases {
		row[s.releases[i].Release] = &s.releases[i]
	}
	lines := map[string][]string{}
	three := func(message, version, what string) string {
		return strings.Repeat(message+"\t"+version+"\t{}\t"+what+"\n", 3)
	}
	if !s.lacks(row["4.0.0"], lines) {
		t.Error("there are no vectors, and 4.0.0 is not asked for any")
	}
	var newest strings.Builder
	for _, m := range []struct{ name, versions string }{
		{"EchoRequest", "01"}, {"EchoResponse", "01"}, {"PingRequest", "234"}, {"PingResponse", "234"}, {"VoteRequest", "12"}, {"VoteResponse", "12"},
		{"OffsetKey", "0"}, {"OffsetValue", "012"}, {"SegmentRecord", "0"}, {"QuotaRecord", "0"},
	} {
		for _, v := range m.versions {
			newest.WriteString(three(m.name, string(v), "40"))
		}
	}
	s.addVectors(lines, newest.String())
	if s.lacks(row["4.0.0"], lines) {
		t.Error("4.0.0 has made its vectors, and is asked again")
	}
	if !s.lacks(row["3.9.0"], lines) {
		t.Error("PingRequest 0 has no vectors, and 3.9.0 is not asked for any")
	}
	s.addVectors(lines, three("PingRequest", "0", "39")+three("PingRequest", "1", "39")+three("PingRequest", "2", "39")+
		three("PingResponse", "0", "39")+three("PingResponse", "1", "39")+three("StopRequest", "0", "39")+three("StopRequest", "1", "39")+
		three("StopResponse", "0", "39")+three("StopResponse", "1", "39")+three("OffsetKey", "5", "39"))
	if got := lines["PingRequest 2"][0]; got != "PingRequest\t2\t{}\t40" {
		t.Errorf("got the vector %q of PingRequest 2, want that of 4.0.0", got)
	}
	if _, ok := lines["OffsetKey 5"]; ok {
		t.Error("a key of before 4.1, whose version is its record type, has vectors")
	}
	if _, ok := lines["QuotaRecord 0"]; ok {
		t.Error("a message that spec/ leaves out has vectors")
	}
	out := t.TempDir()
	err = s.writeVectors(lines, out)
	wantError(t, err, "VoteRequest version 0 has 0 vectors, not 3: no release that is known makes them")
	s.addVectors(lines, three("OldVoteRequest", "0", "23")+three("OldVoteResponse", "0", "23"))
	if err := s.writeVectors(lines, out); err != nil {
		t.Fatal(err)
	}
	files := map[string][]string{}
	for _, folder := range []string{"clients", "group-coordinator", "storage"} {
		for _, line := range readLines(t, filepath.Join(out, folder+".tsv.gz")) {
			name, rest, _ := strings.Cut(line, "\t")
			version, _, _ := strings.Cut(rest, "\t")
			if v := name + " " + version; len(files[folder]) == 0 || files[folder][len(files[folder])-1] != v {
				files[folder] = append(files[folder], v)
			}
		}
	}
	want := map[string][]string{
		"clients": {"EchoRequest 0", "EchoRequest 1", "EchoResponse 0", "EchoResponse 1",
			"PingRequest 0", "PingRequest 1", "PingRequest 2", "PingRequest 3", "PingRequest 4",
			"PingResponse 0", "PingResponse 1", "PingResponse 2", "PingResponse 3", "PingResponse 4",
			"StopRequest 0", "StopRequest 1", "StopResponse 0", "StopResponse 1",
			"VoteRequest 0", "VoteRequest 1", "VoteRequest 2", "VoteResponse 0", "VoteResponse 1", "VoteResponse 2"},
		"group-coordinator": {"OffsetKey 0", "OffsetValue 0", "OffsetValue 1", "OffsetValue 2"},
		"storage":           {"SegmentRecord 0"},
	}
	if d := cmp.Diff(files, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

func TestVectorsCannot(t *testing.T) {
	install(t)
	java := t.TempDir()
	out := filepath.Join(t.TempDir(), "vectors")
	wantError(t, Vectors(t.Context(), emptySpec(t), java, out), "Vectors.java")
	writeFile(t, java, "Vectors.java", "")
	wantError(t, Vectors(t.Context(), emptySpec(t), java, out), "knows no release with definitions: import one first")
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder was made, and nothing for it")
	}
}
