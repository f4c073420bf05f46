package settings

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// An Input is all that settings come from.
type Input struct {
	// Set is what the command line says, in its order: of -X and of flags.
	Set []Assignment
	// File is the properties file of --command-config, "" for none.
	File string
	// Profile is what -p names, "" for none.
	Profile string
	// Environ is the environment, as os.Environ has it.
	Environ []string
}

// An Assignment is key=value of the command line.
type Assignment struct {
	Key, Value string
	From       string // the flag
}

// A setting is the value of a key, and where it comes from.
type setting struct {
	value string
	way   string // one of indirections, or ""
	from  string
	rank  int
}

// The ranks of places that settings come from.
const (
	rankDefaultProfile = iota
	rankEnvironment
	rankProfile
	rankFile
	rankFlags
)

// Settings are what is set. They are for one goroutine.
type Settings struct {
	set     map[string]setting
	ignored []string
	warned  []string
	env     map[string]string
	profile string
}

// Load reads everything. The error lists all that is wrong.
func Load(in Input) (*Settings, error) {
	s := &Settings{set: map[string]setting{}, env: environment(in.Environ)}
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, a := range in.Set {
		note(s.put(a.Key, a.Value, a.From, rankFlags))
	}
	if in.File != "" {
		note(s.properties(in.File))
	}
	_, elsewhere := s.set[bootstrapServers] // brokers are named
	note(s.fromEnvironment())
	note(s.profiles(in.Profile, elsewhere))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// put sets a key, unless something stronger did.
func (s *Settings) put(name, value, from string, rank int) error {
	key, way, ignored, problem := resolve(name)
	switch {
	case problem != "":
		return fmt.Errorf("%s: %s", from, problem)
	case ignored:
		s.ignored = append(s.ignored, name)
		return nil
	}
	if old, ok := s.set[key.Name]; ok && old.rank > rank {
		return nil
	}
	s.set[key.Name] = setting{value, way, from, rank}
	return nil
}

// environment makes a map of the environment.
func environment(environ []string) map[string]string {
	m := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			m[name] = value
		}
	}
	return m
}

// The variables that are no settings.
const (
	configVariable  = "FRANZI_CONFIG"
	profileVariable = "FRANZI_PROFILE"
)

// Variable is the environment variable of a key.
func Variable(key string) string {
	return "FRANZI_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// fromEnvironment reads the variables of keys. Other variables may belong to somebody else: they
// are mentioned only if they look like a slip.
func (s *Settings) fromEnvironment() error {
	known := map[string]string{}
	for _, k := range keys {
		for _, name := range append([]string{k.Name}, k.Aliases...) {
			known[Variable(name)] = name
			if k.Secret {
				for _, way := range indirections {
					known[Variable(name+way)] = name + way
				}
			}
		}
	}
	var errs []error
	for _, variable := range sortedKeys(s.env) {
		if !strings.HasPrefix(variable, "FRANZI_") || variable == configVariable || variable == profileVariable {
			continue
		}
		if name, ok := known[variable]; ok {
			errs = append(errs, s.put(name, s.env[variable], variable, rankEnvironment))
			continue
		}
		if best := slip(variable, known); best != "" {
			s.warned = append(s.warned, fmt.Sprintf("the environment variable %s means nothing here: is it %s?", variable, best))
		}
	}
	return errors.Join(errs...)
}

// slip is the variable that was meant by another one, "" if none comes close.
func slip(variable string, known map[string]string) string {
	short := map[string]string{} // what all have in common says nothing
	for name := range known {
		short[strings.TrimPrefix(name, "FRANZI_")] = name
	}
	return short[closest(strings.TrimPrefix(variable, "FRANZI_"), sortedKeys(short))]
}

// Warnings are what may be a slip, but need not be.
func (s *Settings) Warnings() []string { return s.warned }

// Ignored are the keys that mean nothing here, in the order in which they came.
func (s *Settings) Ignored() []string { return s.ignored }

// Profile is the profile that is used, "" for none.
func (s *Settings) Profile() string { return s.profile }

// An Effective setting is one that counts.
type Effective struct {
	Key   Key
	Value string // "[secret]" of a secret
	From  string
}

// Effective lists what is set, by key.
func (s *Settings) Effective() []Effective {
	var all []Effective
	for _, k := range keys {
		v, ok := s.set[k.Name]
		if !ok {
			continue
		}
		e := Effective{Key: k, Value: v.value, From: v.from}
		switch {
		case v.way != "":
			e.Value = "[secret, " + strings.TrimPrefix(v.way, ".") + " " + v.value + "]"
		case k.Secret:
			e.Value = "[secret]"
		}
		all = append(all, e)
	}
	return all
}

// has reports whether a key is set, be it to nothing.
func (s *Settings) has(key string) bool {
	_, ok := s.set[key]
	return ok
}

// get returns the value of a key, "" if it is not set. Secrets are fetched from where they are.
func (s *Settings) get(key string) (string, error) {
	v, ok := s.set[key]
	if !ok {
		return "", nil
	}
	switch v.way {
	case ".file":
		text, err := os.ReadFile(v.value)
		if err != nil {
			return "", fmt.Errorf("%s: %s: %w", v.from, key, err)
		}
		return trimLine(string(text)), nil
	case ".env":
		text, ok := s.env[v.value]
		if !ok {
			return "", fmt.Errorf("%s: %s: there is no environment variable %s", v.from, key, v.value)
		}
		return text, nil
	case ".command":
		return s.output(key, v)
	}
	return v.value, nil
}

// output runs the command of a secret, by the shell, and returns what it prints.
func (s *Settings) output(key string, v setting) (string, error) {
	cmd := exec.Command("sh", "-c", v.value)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr // it may ask for something
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %s: the command fails: %w", v.from, key, err)
	}
	return trimLine(string(text)), nil
}

func trimLine(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r") }

// text is get for keys that are no secrets.
func (s *Settings) text(key string) string { return s.set[key].value }

// wrong says what is wrong with the value of a key, without showing a secret.
func (s *Settings) wrong(key, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %s", s.set[key].from, key, fmt.Sprintf(format, args...))
}

func sortedKeys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// userConfig is where the configuration file is, unless FRANZI_CONFIG says so.
func userConfig(env map[string]string) string {
	if dir := env["XDG_CONFIG_HOME"]; dir != "" {
		return filepath.Join(dir, "franzi", "config.toml")
	}
	if home := env["HOME"]; home != "" {
		return filepath.Join(home, ".config", "franzi", "config.toml")
	}
	if dir := env["APPDATA"]; dir != "" { // Windows
		return filepath.Join(dir, "franzi", "config.toml")
	}
	return ""
}
