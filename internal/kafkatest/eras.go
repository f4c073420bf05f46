package kafkatest

import (
	"os"
	"strings"
)

// eras are releases that each began something new.
var eras = []string{"0.8.2.2", "0.9.0.1", "0.10.2.2", "0.11.0.3", "1.1.1", "2.8.2", "3.9.2", "4.4.0"}

// Eras returns the releases that tests of many brokers run on, oldest first: one of each era,
// or those that the environment variable KAFKA_ERAS lists, separated by spaces or commas.
func Eras() []string {
	chosen := strings.FieldsFunc(os.Getenv("KAFKA_ERAS"), func(c rune) bool { return c == ' ' || c == ',' })
	if len(chosen) > 0 {
		return chosen
	}
	return append([]string(nil), eras...)
}

// Newest returns the newest release that tests run on.
func Newest() string {
	all := Eras()
	return all[len(all)-1]
}
