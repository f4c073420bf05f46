package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A configFile is the configuration file.
type configFile struct {
	Default  string                    `toml:"default"`
	Profiles map[string]map[string]any `toml:"profiles"`
}

// ConfigFile is the path of the configuration file, whether or not it is there, "" if there is no
// place for it.
func ConfigFile(environ []string) string {
	env := environment(environ)
	if path, ok := env[configVariable]; ok {
		return path
	}
	return userConfig(env)
}

// Profiles lists the profiles of the configuration file, and the default one.
func Profiles(environ []string) (names []string, byDefault string, err error) {
	f, err := readConfig(ConfigFile(environ))
	if err != nil || f == nil {
		return nil, "", err
	}
	return sortedKeys(f.Profiles), f.Default, nil
}

// readConfig reads the configuration file, nil if there is none.
func readConfig(path string) (*configFile, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var f configFile
	meta, err := toml.Decode(string(text), &f)
	var bad toml.ParseError
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("%s:%d: %s", path, bad.Position.Line, bad.Message)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, key := range meta.Undecoded() {
		if key[0] == "profiles" {
			continue // tables in tables are the keys with dots
		}
		return nil, fmt.Errorf("%s: unknown key %s: there are default and [profiles.NAME]", path, key)
	}
	if f.Default != "" && f.Profiles[f.Default] == nil {
		return nil, fmt.Errorf("%s: the default profile %q is not there", path, f.Default)
	}
	return &f, nil
}

// profiles sets what a profile says: the one that is named, or else, unless brokers elsewhere are
// named, the one of the environment or the default one.
func (s *Settings) profiles(named string, elsewhere bool) error {
	path, explicit := s.env[configVariable]
	if !explicit {
		path = userConfig(s.env)
	}
	f, err := readConfig(path)
	if err != nil {
		return err
	}
	name, rank, by := named, rankProfile, "-p"
	if name == "" && !elsewhere {
		name, rank, by = s.env[profileVariable], rankDefaultProfile, profileVariable
		if name == "" && f != nil {
			name = f.Default
		}
	}
	switch {
	case f == nil && explicit && path != "":
		return fmt.Errorf("%s: there is no file %s", configVariable, path)
	case name == "":
		return nil
	case f == nil:
		return fmt.Errorf("%s: there is no profile %q, as there is no file %s", by, name, path)
	case f.Profiles[name] == nil:
		text := fmt.Sprintf("%s: %s has no profile %q", by, path, name)
		if best := kjson.Closest(name, sortedKeys(f.Profiles)); best != "" {
			text += ": did you mean " + best + "?"
		}
		return errors.New(text)
	}
	s.profile = name
	return s.flatten("", f.Profiles[name], fmt.Sprintf("profile %s of %s", name, path), rank)
}

// flatten sets what a table says. Tables in it are the beginnings of keys, since TOML takes the
// dots in a key for that.
func (s *Settings) flatten(prefix string, table map[string]any, from string, rank int) error {
	var errs []error
	for _, name := range sortedKeys(table) {
		key := prefix + name
		switch v := table[name].(type) {
		case map[string]any:
			errs = append(errs, s.flatten(key+".", v, from, rank))
		case []any:
			parts := make([]string, len(v))
			for i, e := range v {
				parts[i] = fmt.Sprint(e)
			}
			errs = append(errs, s.put(key, strings.Join(parts, ","), from, rank))
		case string, bool, int64, float64:
			errs = append(errs, s.put(key, fmt.Sprint(v), from, rank))
		default:
			errs = append(errs, fmt.Errorf("%s: %s: a text, a number, a truth value or a list is needed", from, key))
		}
	}
	return errors.Join(errs...)
}

// closest is the name that was meant, "" if none comes close.
func closest(typed string, names []string) string { return kjson.Closest(typed, names) }
