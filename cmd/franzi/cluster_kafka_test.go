//go:build kafka

package main

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/settings"
	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

// All commands that ask a cluster do what they should on real brokers: of the newest release, of one
// with ZooKeeper, and of one that has few of the APIs.
func TestCommandsOnKafka(t *testing.T) {
	const most, few = 1, 2 // what a release can do
	for _, tt := range []struct {
		release string
		able    int
		kraft   bool
	}{
		{"0.10.2.2", few, false}, {"2.8.2", most, false}, {kafkatest.Newest(), most, true},
	} {
		t.Run(tt.release, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: tt.release})
			ask := func(args ...string) ran {
				return runWith(t.Context(), nil, "", append(args, "-b", strings.Join(cluster.Addrs(), ","), "--timeout", "30s")...)
			}
			expect := func(code int, out string, args ...string) {
				t.Helper()
				got := ask(args...)
				if got.code != code || !strings.Contains(got.out+got.err, out) {
					t.Errorf("%s: got exit %d\n%s%swant exit %d and %q", strings.Join(args, " "), got.code, got.out, got.err, code, out)
				}
			}
			settled := func(out string, args ...string) { // brokers learn of changes a little later
				t.Helper()
				deadline := time.Now().Add(20 * time.Second)
				for {
					got := ask(args...)
					if got.code == exitOK && strings.Contains(got.out, out) {
						return
					}
					if time.Now().After(deadline) {
						t.Fatalf("%s: got exit %d\n%s%swant %q", strings.Join(args, " "), got.code, got.out, got.err, out)
					}
					time.Sleep(50 * time.Millisecond)
				}
			}
			modern := func(out string) (int, string) {
				if tt.able == most {
					return exitOK, out
				}
				return exitFailed, "does not serve"
			}

			expect(exitOK, "cluster id", "cluster", "info")
			expect(exitOK, "127.0.0.1", "cluster", "brokers")
			expect(exitOK, "FEATURE", "cluster", "features")
			if tt.kraft {
				expect(exitOK, "leader", "cluster", "quorum")
				expect(exitOK, "metadata.version", "cluster", "features")
				expect(exitOK, "apart", "doctor")
			} else {
				expect(exitFailed, "no quorum to tell of", "cluster", "quorum")
				expect(exitOK, "not compared", "doctor")
			}
			expect(exitOK, "Metadata", "api", "versions")

			expect(exitOK, "orders", "topic", "create", "orders", "-P", "2", "-r", "1", "-c", "retention.ms=3600000")
			settled("orders", "topic", "list")
			expect(exitFailed, "TOPIC_ALREADY_EXISTS", "topic", "create", "orders", "-P", "2", "-r", "1")
			expect(exitOK, "", "topic", "create", "orders", "-P", "2", "-r", "1", "--if-not-exists")
			expect(exitOK, "checked", "topic", "create", "checked", "-P", "1", "-r", "1", "--dry-run")
			settled("orders\t1\t1", "topic", "describe", "orders", "-o", "raw")
			settled("[]", "topic", "describe", "orders", "--unhealthy", "-o", "json")

			code, out := modern("retention.ms=3600000 DynamicTopic")
			if tt.release == "0.11.0.3" {
				out = "retention.ms=3600000"
			}
			expect(code, out, "config", "get", "topic", "orders", "-o", "template={{.name}}={{.value}} {{.source}}")
			code, out = modern("yes")
			expect(code, out, "config", "set", "topic", "orders", "cleanup.policy=compact")
			expect(code, out, "topic", "alter", "orders", "--unset", "retention.ms")
			if tt.able == most {
				settled("cleanup.policy=compact", "config", "get", "topic", "orders", "-o", "template={{.name}}={{.value}}")
				expect(exitFailed, "Invalid value nonsense", "config", "set", "topic", "orders", "cleanup.policy=nonsense")
				expect(exitOK, "no", "config", "unset", "topic", "orders", "cleanup.policy", "--dry-run")
				expect(exitOK, "yes", "config", "unset", "topic", "orders", "cleanup.policy")
				expect(exitOK, "log.dirs", "config", "get", "broker", "1")
			}
			code, out = modern("2")
			expect(code, out, "topic", "grow", "orders", "+1", "--dry-run")
			code, out = modern("yes")
			expect(code, out, "topic", "grow", "orders", "3")

			expect(exitOK, `"offset"`, "req", "ListOffsets", "-v", "1", `{"replicaId":-1,"topics":[{"name":"orders","partitions":[{"partitionIndex":0,"timestamp":-1}]}]}`)
			expect(exitOK, `"groups"`, "req", "ListGroups")
			expect(exitOK, `"broker": 1`, "req", "ListGroups", "-B", "all")
			expect(exitOK, `"brokers"`, "req", "Metadata", "-B", "controller", `{"topics":[{"name":"orders"}]}`)
			expect(exitOK, `"brokers"`, "req", "Metadata", "-B", "leader:orders/0", `{"topics":[{"name":"orders"}]}`)
			expect(exitOK, `"brokers"`, "req", "Metadata", "-B", "1", `{"topics":[{"name":"orders"}]}`)
			expect(exitOK, `"brokers"`, "req", "Metadata", "-B", "any", `{"topics":[{"name":"orders"}]}`)
			settled(`"protocolType"`, "req", "DescribeGroups", "-v", "0", "-B", "group:g", `{"groups":["g"]}`)
			expect(exitOK, "DeleteTopics", "topic", "delete", "orders", "--explain")

			var records []string
			for range 5 {
				records = append(records, `{"key":"k","value":"v"}`)
			}
			magic := "2"
			version := "7"
			if tt.able == few {
				magic, version = "1", "2"
			}
			expect(exitOK, `"baseOffset": 0`, "req", "Produce", "-v", version, `{"acks":-1,"timeoutMs":10000,"topicData":[{"name":"orders","partitionData":[{"records":[{"magic":`+magic+`,"records":[`+strings.Join(records, ",")+`]}]}]}]}`)
			code, out = modern("0\t0\t5\t3\t3\tyes")
			expect(code, out, "topic", "trim", "orders", "--before", "3", "--partition", "0", "-y", "-o", "raw")

			throughAndBack(t, strings.Join(cluster.Addrs(), ","))

			expect(exitOK, "orders\tno", "topic", "delete", "ord*", "--dry-run", "-o", "raw")
			expect(exitUsage, "say -y", "topic", "delete", "orders")
			expect(exitOK, "orders\tyes", "topic", "delete", "orders", "-y", "-o", "raw")
			expect(exitFailed, "nope", "topic", "delete", "nope", "-y")

			got := completionsWith(t, nil, "config", "get", "broker", "-b", cluster.Addrs()[0], "")
			if !slices.Contains(got, "1") {
				t.Errorf("completion of brokers: got %q", got)
			}
		})
	}
}

// throughAndBack writes records, copies them, and reads both, on brokers of any release; measures; and
// lets the demo count.
func throughAndBack(t *testing.T, addrs string) {
	t.Helper()
	ask := func(stdin string, args ...string) string {
		t.Helper()
		got := runWith(t.Context(), nil, stdin, append(args, "-b", addrs, "--timeout", "30s")...)
		if got.code != exitOK {
			t.Errorf("%s: got exit %d\n%s%s", strings.Join(args, " "), got.code, got.out, got.err)
		}
		return got.out
	}
	ask("", "topic", "create", "through", "copy", "-P", "3", "-r", "1")
	var in strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&in, "{\"partition\":%d,\"key\":\"k%d\",\"value\":{\"base64\":\"/w==\"},\"timestamp\":%d}\n", i%3, i, 1_700_000_000_000+int64(i))
	}
	ask(in.String(), "produce", "through", "-z", "gzip")
	ask("", "cp", "through", "copy")
	format := "-f=%p %o %T %k %v"
	was, is := ask("", "consume", "through", "-e", format), ask("", "consume", "copy", "-e", format)
	if sorted(was) != sorted(is) || strings.Count(was, "\n") != 3000 {
		t.Errorf("%d records were written and %d copied, or they are not the same", strings.Count(was, "\n"), strings.Count(is, "\n"))
	}
	if got := strings.Fields(ask("", "consume", "copy", "-f", "%o", "-O", "998..2000")); strings.Join(got, " ") != "998 999 998 999 998 999" {
		t.Errorf("the last two of each partition: got %v", got)
	}
	if got := ask("", "bench", "produce", "--records", "10000", "--partitions", "2", "--replicas", "1", "-o", "template={{.records}} {{.failed}}"); got != "10000 0\n" {
		t.Errorf("bench produce: got %s", got)
	}
	if got := ask("", "bench", "consume", "copy", "-o", "template={{.records}}"); got != "3000\n" {
		t.Errorf("bench consume: got %s", got)
	}
	if got := ask("", "demo", "--duration", "2s", "--rate", "1000", "--replicas", "1", "-o", "template={{.right}} {{.lost}}"); got != "true 0\n" {
		t.Errorf("demo: got %s", got)
	}
	deadline := time.Now().Add(20 * time.Second) // brokers learn of it a little later
	for got := "?"; got != ""; {
		if got = ask("", "topic", "list", "franzi-*", "-o", "raw"); got != "" && time.Now().After(deadline) {
			t.Fatalf("topics are left: %s", got)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// One of three real brokers is killed while the demo runs, and comes back: nothing is lost, doubled or
// out of order.
func TestDemoSurvivesOnKafka(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Nodes: 3, SeparateController: true})
	began := newLine()
	done := make(chan ran)
	go func() {
		var errs strings.Builder
		code := testApp(strings.NewReader(""), began, &errs, nil).run(t.Context(), []string{"demo", "-b", strings.Join(cluster.Addrs(), ","), "--duration", "20s", "--rate", "5000", "--replicas", "3"})
		close(began.lines)
		done <- ran{"", errs.String(), code}
	}()
	var out strings.Builder
	var starting sync.WaitGroup
	seen := 0
	for line := range began.lines { // one a second
		out.WriteString(line)
		switch seen++; seen {
		case 3:
			if err := cluster.Node(2).Kill(); err != nil {
				t.Error(err)
			}
		case 9:
			starting.Go(func() {
				if err := cluster.Node(2).Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	got := <-done
	starting.Wait()
	for _, want := range []string{`(?m)^lost +0$`, `(?m)^doubled +0$`, `(?m)^out of order +0$`, `(?m)^changed +0$`, `, 0 failed`} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("got no %s", want)
		}
	}
	if got.code != exitOK || t.Failed() {
		t.Errorf("got exit %d %s\n%s", got.code, got.err, out.String())
	}
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Files of properties, as they are written for Java's client and for librdkafka, lead to brokers with
// TLS and SASL.
func TestSecurityOnKafka(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Security: true})
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	writeFile(t, ca, authority(t, cluster.Listener("SSL")[0]))
	password := ""
	for _, u := range cluster.Users() {
		if u.Name == "alice" {
			password = u.Password
		}
	}
	java := func(lines ...string) string {
		path := filepath.Join(t.TempDir(), "client.properties")
		writeFile(t, path, strings.Join(lines, "\n")+"\n")
		return path
	}
	trust := "ssl.truststore.type=PEM\nssl.truststore.location=" + ca
	scram := `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="`
	for name, args := range map[string][]string{
		"SSL, Java":            {"-b", cluster.Listener("SSL")[0], "--command-config", java("security.protocol=SSL", trust)},
		"SSL, flags":           {"-b", cluster.Listener("SSL")[0], "--tls-ca", ca},
		"SCRAM, Java":          {"-b", cluster.Listener("SASL_SSL")[0], "--command-config", java("security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", trust, scram+password+`";`)},
		"SCRAM, librdkafka":    {"-b", cluster.Listener("SASL_SSL")[0], "-X", "security.protocol=sasl_ssl", "-X", "sasl.mechanisms=SCRAM-SHA-256", "-X", "ssl.ca.location=" + ca, "-X", "sasl.username=alice", "-X", "sasl.password=" + password},
		"PLAIN, flags":         {"-b", cluster.Listener("SASL_SSL")[0], "--tls-ca", ca, "--sasl", "PLAIN", "--user", "alice", "-X", "sasl.password.command=echo " + password},
		"SCRAM, in plain text": {"-b", cluster.Listener("SASL_PLAINTEXT")[0], "--sasl", "SCRAM-SHA-256", "--user", "alice", "-X", "sasl.password=" + password},
	} {
		t.Run(name, func(t *testing.T) {
			for _, command := range [][]string{{"topic", "list"}, {"doctor"}, {"req", "Metadata"}, {"req", "CreateTopics", "--explain", `{"topics":[{"name":"x","numPartitions":1,"replicationFactor":1}]}`}} {
				if got := runWith(t.Context(), nil, "", append(command, args...)...); got.code != exitOK || strings.Contains(got.out+got.err, password) {
					t.Errorf("%s: got exit %d\n%s%s", command, got.code, got.out, got.err)
				}
			}
		})
	}
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"wrong password", "SASL_AUTHENTICATION_FAILED", []string{"-b", cluster.Listener("SASL_SSL")[0], "--tls-ca", ca, "--sasl", "SCRAM-SHA-512", "--user", "alice", "-X", "sasl.password=wrong"}},
		{"unknown authority", "--tls-ca", []string{"-b", cluster.Listener("SSL")[0], "--tls"}},
		{"no TLS", "--tls", []string{"-b", cluster.Listener("SSL")[0]}},
		{"no SASL", "--sasl", []string{"-b", cluster.Listener("SASL_PLAINTEXT")[0]}},
		{"TLS where there is none", "may be for plaintext", []string{"-b", cluster.Addrs()[0], "--tls"}},
		{"another name", "--tls-name", []string{"-b", cluster.Listener("SSL")[0], "--tls-ca", ca, "--tls-name", "example.com"}},
		{"another mechanism", "does not offer", []string{"-b", cluster.Listener("SASL_SSL")[0], "--tls-ca", ca, "--sasl", "AWS_MSK_IAM", "-X", "aws.region=eu-west-1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, command := range [][]string{{"topic", "list"}, {"doctor"}} {
				got := runWith(t.Context(), nil, "", append(command, tt.args...)...)
				if got.code != exitConnection || strings.Contains(got.err, "kgo.") {
					t.Errorf("%s: got exit %d\n%s%s", command, got.code, got.out, got.err)
				}
				if !strings.Contains(got.err, tt.want) {
					t.Errorf("%s: got %s\nwant %s", command, got.err, tt.want)
				}
			}
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// authority gets the certificate of the authority from a broker's chain.
func authority(t *testing.T, addr string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // to see what there is
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var text []byte
	for _, c := range conn.ConnectionState().PeerCertificates { // the last one
		text = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return string(text)
}

// Every property of Java's clients is known, be it to be passed over.
func TestPropertiesOfJava(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest()})
	name := regexp.MustCompile(`<a id="([a-z]+_)?([a-z0-9.]+)"`)
	for _, class := range []string{"admin.AdminClientConfig", "consumer.ConsumerConfig", "producer.ProducerConfig"} {
		html, err := cluster.Java(t.Context(), nil, "org.apache.kafka.clients."+class)
		if err != nil {
			t.Fatal(err)
		}
		found := name.FindAllStringSubmatch(html, -1)
		if len(found) < 40 {
			t.Fatalf("%s: only %d properties", class, len(found))
		}
		for _, m := range found {
			key := m[2]
			if _, err := settings.Load(settings.Input{Set: []settings.Assignment{{Key: key, From: "Java"}}}); err != nil && strings.Contains(err.Error(), "unknown key") {
				t.Errorf("%s: %v", class, err)
			}
		}
	}
}
