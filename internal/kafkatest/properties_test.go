package kafkatest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata anew")

// testLayout is a layout with the ports 9001, 9002, ...
func testLayout(opts Options) *layout {
	l := newLayout(opts, "TestX", "/dir")
	ports := make([]int, l.portCount())
	for i := range ports {
		ports[i] = 9001 + i
	}
	l.clusterID = "cluster"
	l.setPorts(ports)
	return l
}

// What is written for each era is in testdata, to be read and compared with the release's
// documentation; go test -update writes it.
func TestProperties(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("testdata has Unix paths")
	}
	proxy := func(_ int32, _, addr string) string { return strings.Replace(addr, ":90", ":70", 1) }
	for name, opts := range map[string]Options{
		"0.8.2.2":          {Version: "0.8.2.2"},
		"0.8.2.2-proxy":    {Version: "0.8.2.2", Advertise: proxy},
		"0.9.0.1-security": {Version: "0.9.0.1", Security: true},
		"0.10.0.1-all":     {Version: "0.10.0.1", Security: true, Racks: []string{"a"}, Advertise: proxy}, // no names for listeners yet
		"0.10.2.2-all":     {Version: "0.10.2.2", Security: true, Advertise: proxy},
		"0.11.0.3-three":   {Version: "0.11.0.3", Nodes: 3},
		"1.1.1-security":   {Version: "1.1.1", Security: true},
		"2.8.2-all":        {Version: "2.8.2", Security: true, Nodes: 2, Racks: []string{"a", "b"}},
		"3.3.2":            {Version: "3.3.2"},
		"3.7.2-unstable":   {Version: "3.7.2", Unstable: true},
		"3.9.2":            {Version: "3.9.2"},
		"3.9.2-zookeeper":  {Version: "3.9.2", ZooKeeper: true},
		"4.4.0":            {Version: "4.4.0"},
		"4.4.0-three":      {Version: "4.4.0", Nodes: 3, Properties: map[string]string{"num.partitions": "7", "own.key": "own value"}},
		"4.4.0-all":        {Version: "4.4.0", SeparateController: true, Security: true, Unstable: true, Racks: []string{"a"}, Advertise: proxy},
	} {
		t.Run(name, func(t *testing.T) {
			l := testLayout(opts)
			var b strings.Builder
			for _, s := range l.specs {
				b.WriteString("# " + s.name() + "\n" + string(l.properties(&s).text()))
				if opts.kraft() {
					b.WriteString("# formatted with: " + strings.Join(l.formatArgs(&s), " ") + "\n")
				}
				b.WriteString("\n")
			}
			if !opts.kraft() {
				b.WriteString("# zookeeper\n" + string(l.zooKeeperProperties().text()))
			}
			if l.jaasFile() {
				b.WriteString("\n# jaas.conf\n" + string(l.jaas()))
			}
			golden(t, filepath.Join("testdata", name+".properties"), b.String())
		})
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestPropertiesText(t *testing.T) {
	p := new(properties)
	p.set("a", 1)
	p.set("key with = and : and \\", ` leading, back\slash, "quotes"=:#!`)
	p.set("lines", "one\ntwo\ttab")
	p.set("wide", "é 語 😀")
	p.set("a", "again") // keeps its place
	const want = `a=again
key\ with\ \=\ and\ \:\ and\ \\=\ leading, back\\slash, "quotes"=:#!
lines=one\u000atwo\u0009tab
wide=\u00e9 \u8a9e \ud83d\ude00
`
	if got := string(p.text()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLayoutAddresses(t *testing.T) {
	l := testLayout(Options{Version: "4.4.0", Nodes: 2, Security: true, SeparateController: true, Advertise: func(node int32, listener, _ string) string {
		return listener + "-" + string('0'+rune(node))
	}})
	for got, want := range map[string]string{
		strings.Join(l.advertised(plaintext), " "):      "PLAINTEXT-1 PLAINTEXT-2",
		strings.Join(l.advertised(saslSSL), " "):        "SASL_SSL-1 SASL_SSL-2",
		strings.Join(l.advertised(controller), " "):     "", // not for clients
		strings.Join(l.advertised("NONE"), " "):         "",
		strings.Join(l.controllerAddrs(), " "):          "127.0.0.1:9012",
		l.specs[1].probeAddr():                          "127.0.0.1:9007", // past the proxy
		l.specs[2].probeAddr() + l.specs[2].name():      "127.0.0.1:9012controller",
		filepath.ToSlash(l.propertiesFile(&l.specs[0])): "/dir/node-1.properties",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
