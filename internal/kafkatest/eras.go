package kafkatest

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// eras are releases that each began something new.
var eras = []string{"0.8.2.2", "0.9.0.1", "0.10.2.2", "0.11.0.3", "1.1.1", "2.8.2", "3.9.2", "4.4.0"}

// Eras returns the releases that tests of many brokers run on, oldest first: one of each era,
// or those that the environment variable KAFKA_ERAS lists, separated by spaces or commas. It
// panics if that names one which is no era: its tests would pass without a broker.
func Eras() []string {
	chosen, err := chosenEras(os.Getenv("KAFKA_ERAS"))
	if err != nil {
		panic(fmt.Sprintf("KAFKA_ERAS: %v", err))
	}
	return chosen
}

func chosenEras(list string) ([]string, error) {
	names := strings.FieldsFunc(list, func(c rune) bool { return c == ' ' || c == ',' })
	if len(names) == 0 {
		return slices.Clone(eras), nil
	}
	for _, name := range names {
		if !slices.Contains(eras, name) {
			return nil, fmt.Errorf("%q is no era that is tested; those are %s", name, strings.Join(eras, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(eras), func(era string) bool { return !slices.Contains(names, era) }), nil
}

// Newest returns the newest release that tests run on, and panics like Eras.
func Newest() string {
	all := Eras()
	return all[len(all)-1]
}
