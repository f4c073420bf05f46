// Package jarstest stands in for Maven and Java in tests, so that these run on a machine
// that has only Go.
//
// A folder of releases has one folder for each release, in it one for each jar, in it the
// jar's files, and errors.tsv, which is what KafkaErrors.java prints:
//
//	9.1.0/kafka-clients/common/message/PingRequest.json
//	9.1.0/errors.tsv
//
// [Install] puts an mvn and a java into the PATH that know no other releases. Both are the
// test's own program, which acts as them if TestMain calls [Main].
package jarstest

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// Variables that tell the programs what to do.
const (
	releasesVar = "FRANZI_TEST_RELEASES"
	hangVar     = "FRANZI_TEST_HANG"
)

// Install makes mvn and java act as if the releases of a folder were all there are, with an
// empty cache of jars, until the test ends.
func Install(t testing.TB, releases string) {
	t.Helper()
	releases, err := filepath.Abs(releases)
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, tool := range []string{"mvn", "java"} {
		if err := copySelf(filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv(releasesVar, releases)
	t.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // the programs need not wait a second for late reports
	EmptyCache(t)
}

// EmptyCache gives the test a cache of its own, without jars, and returns its folder.
func EmptyCache(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, v := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(v, dir)
	}
	return dir
}

// NoTools empties the PATH: there is neither mvn nor java.
func NoTools(t testing.TB) {
	t.Helper()
	t.Setenv("PATH", t.TempDir())
}

// Hang makes mvn and java, which must be installed, wait until they are killed. Each time
// one of them has started, the channel gets its name.
func Hang(t testing.TB) <-chan string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	t.Setenv(hangVar, l.Addr().String())
	started := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if name, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
				started <- strings.TrimSpace(name)
			}
			conn.Close()
		}
	}()
	return started
}

func copySelf(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		to += ".exe"
	}
	if os.Link(self, to) == nil {
		return nil
	}
	data, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// Main is for TestMain. It runs the tests, unless the program was started as mvn or java.
func Main(m *testing.M) {
	var act func(args []string) error
	switch tool := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"); tool {
	case "mvn":
		act = maven
	case "java":
		act = java
	default:
		os.Exit(m.Run())
	}
	if addr := os.Getenv(hangVar); addr != "" {
		hang(addr)
	}
	if err := act(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func hang(addr string) {
	killed := make(chan os.Signal, 1)
	signal.Notify(killed, os.Interrupt)
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		fmt.Fprintln(conn, filepath.Base(os.Args[0]))
		conn.Close()
	}
	<-killed
}

var artifact = regexp.MustCompile(`<artifactId>(kafka[^<]*)</artifactId><version>([^<]*)</version>`)

// maven makes the jars of the release that the project of -f depends on, in the folder of
// -DoutputDirectory.
func maven(args []string) error {
	var pom, lib string
	for i, arg := range args {
		if arg == "-f" && i+1 < len(args) {
			pom = args[i+1]
		}
		if dir, ok := strings.CutPrefix(arg, "-DoutputDirectory="); ok {
			lib = dir
		}
	}
	project, err := os.ReadFile(pom)
	if err != nil {
		return err
	}
	wanted := artifact.FindSubmatch(project)
	if wanted == nil || lib == "" {
		return errors.New("[ERROR] jarstest does not know what to bring")
	}
	name, version := string(wanted[1]), string(wanted[2])
	release := filepath.Join(os.Getenv(releasesVar), version)
	if _, err := os.Stat(release); err != nil {
		return fmt.Errorf("[ERROR] Could not find artifact org.apache.kafka:%s:jar:%s in central -> [Help 1]", name, version)
	}
	folders, err := os.ReadDir(release)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(lib, 0o755); err != nil {
		return err
	}
	for _, folder := range folders {
		if jar := folder.Name(); folder.IsDir() && (jar == name || name != "kafka-clients") {
			if err := makeJar(filepath.Join(lib, jar+"-"+version+".jar"), filepath.Join(release, jar)); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeJar packs a folder. One that has the file "broken" becomes a jar that is none.
func makeJar(to, folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "broken")); err == nil {
		return os.WriteFile(to, []byte("no zip"), 0o644)
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		w, err := z.Create(name)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	return errors.Join(err, z.Close(), f.Close())
}

// java prints the errors.tsv of the release whose jars are in the class path.
func java(args []string) error {
	if len(args) < 2 || args[0] != "-cp" {
		return fmt.Errorf("jarstest does not know what java %q is to do", args)
	}
	clients, err := filepath.Glob(filepath.Join(filepath.Dir(args[1]), "kafka-clients-*.jar"))
	if err != nil || len(clients) != 1 {
		return fmt.Errorf("there is no kafka-clients in the class path %s", args[1])
	}
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(clients[0]), "kafka-clients-"), ".jar")
	f, err := os.Open(filepath.Join(os.Getenv(releasesVar), version, "errors.tsv"))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}
