package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// jdk is the Java that was found.
type jdk struct{ java, keytool string }

// findJDK looks where Java's own scripts look.
func findJDK() (jdk, error) {
	const install = "install a JDK, 17 or later (Debian: openjdk-17-jdk-headless; macOS: brew install openjdk@17), and put its bin folder in the PATH or set JAVA_HOME"
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	if home := os.Getenv("JAVA_HOME"); home != "" {
		found := jdk{filepath.Join(home, "bin", "java"+exe), filepath.Join(home, "bin", "keytool"+exe)}
		if _, err := os.Stat(found.java); err != nil {
			return jdk{}, fmt.Errorf("JAVA_HOME is %s, and there is no Java: %w; %s", home, err, install)
		}
		return found, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return jdk{}, fmt.Errorf("no java in the PATH, and Kafka runs on it: %s", install)
	}
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		keytool = filepath.Join(filepath.Dir(java), "keytool"+exe) // its absence is told when it is needed
	}
	return jdk{java, keytool}, nil
}

// jvmFlags make a JVM that starts quickly and stays small, and leaves nothing outside of the
// cluster's folder: no performance data, unpacked libraries or crash reports.
func jvmFlags(dir, heap string) []string {
	return []string{
		"-Xms64m", "-Xmx" + heap,
		"-XX:+UseSerialGC",
		"-XX:TieredStopAtLevel=1",
		"-XX:ActiveProcessorCount=2",
		"-XX:-UsePerfData",
		"-XX:ErrorFile=" + filepath.Join(dir, "crash-%p.log"),
		"-Djava.io.tmpdir=" + filepath.Join(dir, "tmp"),
	}
}

// oldFlags open to releases of the time before Java 9 what they reach into.
var oldFlags = []string{
	"--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
	"--add-opens=java.base/java.lang=ALL-UNNAMED",
	"--add-opens=java.base/java.util=ALL-UNNAMED",
	"--add-opens=java.base/java.nio=ALL-UNNAMED",
}

// serverFlags are the flags of a broker, a controller or ZooKeeper.
func (l *layout) serverFlags(heap string) []string {
	flags := append(jvmFlags(l.dir, heap), logFlags(l.dir, forServers)...)
	if !l.opts.kraft() {
		flags = append(flags, oldFlags...)
	}
	if l.test != "" {
		flags = append(flags, "-Dfranzi.test="+l.test)
	}
	return flags
}

// kafkaCommand is how a node is started, java itself left out.
func (l *layout) kafkaCommand(s *spec, set jars.Set) []string {
	heap := "512m"
	if !l.opts.kraft() {
		heap = "384m"
	}
	args := l.serverFlags(heap)
	if l.jaasFile() {
		// The file is for the listeners; ZooKeeper's client would look for itself in it.
		args = append(args, "-Djava.security.auth.login.config="+l.path("jaas.conf"), "-Dzookeeper.sasl.client=false")
	}
	args = append(args, l.opts.JVM...)
	return append(args, "-cp", set.ClassPath(), "kafka.Kafka", l.propertiesFile(s))
}

// zooKeeperCommand is how ZooKeeper is started.
func (l *layout) zooKeeperCommand(set jars.Set) []string {
	args := append(l.serverFlags("256m"), "-Dzookeeper.forceSync=no") // its data need not survive a power cut
	return append(args, "-cp", set.ClassPath(), "org.apache.zookeeper.server.quorum.QuorumPeerMain", l.path("zookeeper.properties"))
}

// Java runs a class of the release's own jars, "kafka.tools.ConsoleConsumer", and returns what
// it printed. It blocks until the class ends, the context ends or the cluster is closed, and may
// be called concurrently. Stdin may be nil; it may be read from once more after the class has
// ended. The error quotes the end of what went to stderr.
func (c *Cluster) Java(ctx context.Context, stdin io.Reader, class string, args ...string) (string, error) {
	return c.runClass(ctx, stdin, c.tools.broker, class, args)
}

// Tool runs a class of Kafka's command line tools, "org.apache.kafka.tools.TopicCommand", like
// [Cluster.Java]. The tools are those of 4.3.1 for brokers from 2.1 on and of 3.9.2 for brokers
// from 0.10.0 on; none speaks to older ones. The first call may have to bring their jars.
func (c *Cluster) Tool(ctx context.Context, stdin io.Reader, class string, args ...string) (string, error) {
	version, err := toolsFor(release(c.layout.opts.Version))
	if err != nil {
		return "", err
	}
	set, err := jars.Tools(ctx, version)
	if err != nil {
		return "", err
	}
	return c.runClass(ctx, stdin, set, class, args)
}

// toolsFor is the release whose tools speak to a broker.
func toolsFor(r release) (string, error) {
	switch {
	case r.since("2.1"):
		return "4.3.1", nil
	case r.since("0.10.0"):
		return "3.9.2", nil
	}
	return "", fmt.Errorf("no tools speak to Kafka %s: use Cluster.Java with a class of its own, like kafka.tools.ConsoleConsumer", r)
}

func (c *Cluster) runClass(ctx context.Context, stdin io.Reader, set jars.Set, class string, args []string) (string, error) {
	flags := append(jvmFlags(c.layout.dir, "512m"), logFlags(c.layout.dir, forTools)...)
	if !c.layout.opts.kraft() {
		flags = append(flags, oldFlags...)
	}
	flags = append(flags, "-cp", set.ClassPath(), class)
	return c.run(ctx, stdin, c.tools.java, append(flags, args...)...)
}

// run runs a program to its end and returns its output.
func (c *Cluster) run(ctx context.Context, stdin io.Reader, program string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.layout.dir
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	// With cmd.Stdin, Wait would wait for a stdin that nobody ends.
	var in io.WriteCloser
	var err error
	if stdin != nil {
		if in, err = cmd.StdinPipe(); err != nil {
			return "", err
		}
	}
	if err = c.guard.start(cmd); err == nil {
		if in != nil {
			go func() {
				io.Copy(in, stdin) // fails when the program has read enough
				in.Close()
			}()
		}
		err = cmd.Wait()
	}
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	said := stderr.String()
	if strings.TrimSpace(said) == "" {
		said = stdout.String()
	}
	return stdout.String(), fmt.Errorf("%s: %w; it said:\n%s", commandLine(program, args), err, tail(said, tailLines))
}

// commandLine is a command as an error tells it: all that somebody needs to try it by hand.
func commandLine(program string, args []string) string {
	var b strings.Builder
	b.WriteString(program)
	for _, arg := range args {
		if strings.ContainsAny(arg, " '\"$;*\\") || arg == "" {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		b.WriteString(" " + arg)
	}
	return b.String()
}
