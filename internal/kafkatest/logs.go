package kafkatest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	// tailLines is how much of a log's end an error quotes, causeLines how much from the first
	// error on, if that is further up: some releases shut down verbosely.
	tailLines  = 40
	causeLines = 12
	// maxLog is when a log is put aside at the next start of its process. The one put aside
	// before is dropped.
	maxLog = 8 << 20
)

// log4j is the configuration of releases up to 3.9 (log4j 1.2 or its successor reload4j).
// What is silenced prints hundreds of lines at each start.
const log4j = `log4j.rootLogger=%[1]s, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.%[2]s
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%%d] %%p %%m (%%c)%%n
log4j.logger.org.apache.zookeeper=WARN
log4j.logger.org.apache.kafka.common.config=WARN
log4j.logger.org.apache.kafka.clients=WARN
log4j.logger.kafka.server.KafkaConfig=WARN
log4j.logger.kafka.utils.VerifiableProperties=WARN
log4j.logger.kafka.network.Processor=WARN
log4j.logger.state.change.logger=WARN
`

// log4j2 is the same for 4.0 and later.
const log4j2 = `status=error
rootLogger.level=%[1]s
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_%[2]s
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%%d] %%p %%m (%%c)%%n
logger.config.name=org.apache.kafka.common.config
logger.config.level=warn
logger.clients.name=org.apache.kafka.clients
logger.clients.level=warn
logger.state.name=state.change.logger
logger.state.level=warn
`

// The two ways to log: a server's output is its log, a tool's output is its answer.
const (
	forServers = "server"
	forTools   = "tool"
)

// writeLogConfigs writes both configurations for both ways into the folder.
func writeLogConfigs(dir string) error {
	write := func(way, log4jVersion, text string, values ...any) error {
		name := filepath.Join(dir, way+"."+log4jVersion+".properties")
		return os.WriteFile(name, fmt.Appendf(nil, text, values...), 0o600)
	}
	return errors.Join(
		write(forServers, "log4j", log4j, "INFO", "out"),
		write(forServers, "log4j2", log4j2, "info", "OUT"),
		write(forTools, "log4j", log4j, "WARN", "err"),
		write(forTools, "log4j2", log4j2, "warn", "ERR"),
	)
}

// logFlags points the JVM to the configurations; whichever library is there takes its own.
func logFlags(dir, way string) []string {
	return []string{
		"-Dlog4j.configuration=file:" + filepath.Join(dir, way+".log4j.properties"),
		"-Dlog4j2.configurationFile=" + filepath.Join(dir, way+".log4j2.properties"),
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
	}
}

// openLog opens a process's log for appending and tells where the new part begins.
func openLog(name string) (f *os.File, begin int64, err error) {
	if info, err := os.Stat(name); err == nil && info.Size() > maxLog {
		if err := os.Rename(name, name+".old"); err != nil {
			return nil, 0, err
		}
	}
	f, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	if begin, err = f.Seek(0, io.SeekEnd); err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, begin, nil
}

// readLog reads a log from an offset on. A log that cannot be read says so in its place.
func readLog(name string, begin int64) string {
	f, err := os.Open(name)
	if err != nil {
		return "no log: " + err.Error()
	}
	defer f.Close()
	if _, err := f.Seek(begin, io.SeekStart); err != nil {
		return "no log: " + err.Error()
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return string(text) + "\nno more of the log: " + err.Error()
	}
	return string(text)
}

// quote is what an error quotes of a log.
func quote(log string) string {
	end := tail(log, tailLines)
	if end == "" {
		return "its log is empty"
	}
	quoted := "its log ends with\n" + end
	before := strings.TrimRight(log, "\n")
	before = before[:len(before)-len(end)]
	at := -1
	for _, word := range []string{" ERROR ", " FATAL ", "Exception in thread"} {
		if i := strings.Index(before, word); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 {
		return quoted
	}
	first := strings.SplitAfterN(before[strings.LastIndexByte(before[:at], '\n')+1:], "\n", causeLines+1)
	return "its first error is\n" + strings.Join(first[:min(len(first), causeLines)], "") + quoted
}

// tail is the end of a text, by lines.
func tail(text string, lines int) string {
	text = strings.TrimRight(text, "\n")
	at := len(text)
	for range lines {
		if at = strings.LastIndexByte(text[:at], '\n'); at < 0 {
			return text
		}
	}
	return text[at+1:]
}
