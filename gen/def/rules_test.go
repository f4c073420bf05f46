package def

import (
	"errors"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// data is a message of no API with the given fields; request and response have one. In the
// tables here a § stands where an error is expected.
func data(fields string) string {
	return `{"type": "data", "name": "AData", "validVersions": "0-3", "flexibleVersions": "2+", "fields": [` + "\n" + fields + "\n]}"
}

func request(properties string) string {
	return `{"apiKey": 7, "type": "request", "name": "ARequest", "validVersions": "0-3", "flexibleVersions": "2+",` + "\n" + properties + `"fields": []}`
}

func response(properties string) string {
	return `{"apiKey": 7, "type": "response", "name": "AResponse", "validVersions": "0-3", "flexibleVersions": "2+",` + "\n" + properties + `"fields": []}`
}

// broken has a definition for each rule that Parse enforces.
var broken = []struct {
	why  string
	in   string
	rule string // parts of what the error says
	fix  string
}{
	// The notation: JSON with comments.
	{"a comment that is cut off", data(`§/* {"name": "a", "type": "int8", "versions": "0+"}`), "the comment has no end", "close it with */"},
	{"a slash", data(`§/ comment`), "a lone slash", "comments start with // or /*"},
	{"nesting that would take our stack", strings.Repeat("[", maxDepth+1) + "§[", "values nest deeper than 200 levels", "a few levels deep"},
	{"a number with a leading zero", `{"apiKey": §07}`, `"07" is no number`, "quote it"},
	{"a number with letters", `{"apiKey": §1x}`, `"1x" is no number`, "quote it"},
	{"a number of package strconv", `{"apiKey": §-Inf}`, `"-Inf" is no number`, "quote it"},
	{"no value", `{"apiKey": §, "type": "data"}`, "a value is missing", "cut off"},
	{"an empty file", "\n  §", "a value is missing", "cut off"},
	{"a file that is cut off", `{"fields": [§`, "a value is missing", "cut off"},
	{"a comma after the last item", `{"fields": [{},§]}`, "a value is missing", "cut off"},
	{"a value without quotes", `{"type": §data}`, `"data" is no JSON value`, "put it in quotes"},
	{"a name without quotes", `{§type: "data"}`, "the name of a member is missing", "names are in quotes"},
	{"a comma after the last member", `{"type": "data", §}`, "the name of a member is missing", "no comma follows the last member"},
	{"an object that is cut off", `{"type": "data"§`, "',' is missing", "separate members with a comma"},
	{"members without a comma", `{"type": "data" §"name": "AData"}`, "',' is missing", "separate members with a comma"},
	{"items without a comma", `{"fields": [1 §2]}`, "',' is missing", "separate items with a comma"},
	{"a name without a value", `{"type"§}`, "':' is missing", "write name: value"},
	{"a property twice, with two values", `{"type": "data", §"type": "request"}`, `"type" is there twice, with different values`, "remove one"},
	{"a property twice, of two kinds", `{"apiKey": 7, §"apiKey": "7"}`, `"apiKey" is there twice`, "remove one"},
	{"a list twice", `{"fields": [], §"fields": []}`, `"fields" is there twice`, "remove one"}, // nobody compares these
	{"a string over a line's end", "{\"type\": §\"da\nta\"}", "the string has no end", "on the same line"},
	{"a string that is cut off", `{"type": §"data`, "the string has no end", "on the same line"},
	{"a control character", "{\"type\": \"da§\tta\"}", "a control character in a string", `\u0009`},
	{"letters in another encoding", "{\"type\": \"Gr§\xf6\xdfe\"}", "a byte in a string is no UTF-8", "save the file as UTF-8"},
	{"an escape of no kind", `{"type": "da§\xta"}`, "an unknown escape", `\n`},
	{"half a surrogate pair", `{"type": "§\ud83d\n"}`, "half a surrogate pair", "its other half"},
	{"an escape of too few digits", `{"type": "§\u12"}`, `a broken \u escape`, "four hex digits"},
	{"an escape that is cut off", `{"type": "§\u12`, `a broken \u escape`, "four hex digits"},
	{"an escape of other letters", `{"type": "§\u12xy"}`, `a broken \u escape`, "four hex digits"},
	{"text behind the definition", data("") + "\n§}", "text after the end of the definition", "remove it"}, // 2.8 had some
	{"lines and columns count letters", data("/* Übung\n */ // ü\n" + `{"name": "a", "about": "äöü", "type": "int8", "versions": "0+", §"x": 1}`), `the unknown property "x"`, ""},

	// Properties.
	{"a definition that is none", `§"AData"`, "the message is a string, not an object", "describe it as {...}"},
	{"a field that is none", data(`§7`), "the field is a number, not an object", "describe it as {...}"},
	{"a null field", data(`§null`), "the field is null, not an object", "describe it as {...}"},
	{"a common struct that is none", request(`"commonStructs": [§true],`), "the common struct is a boolean, not an object", "describe it as {...}"},
	{"a misspelt property of a message", request(`§"listener": ["broker"],`), `the message has the unknown property "listener"`, "Kafka knows apiKey, commonStructs, deprecatedVersions, fields, flexibleVersions, headerVersions, latestVersionUnstable, listeners, name, type, validVersions"},
	{"prose about a message", request(`§"about": "x",`), `the message has the unknown property "about"`, "Kafka knows"}, // only fields have it
	{"a misspelt property of a field", data(`{"name": "a", "type": "int8", "versions": "0+", §"nullable": "0+"}`), `the field has the unknown property "nullable"`, "nullableVersions"},
	{"a misspelt property of a common struct", request(`"commonStructs": [{"name": "S", "versions": "0+", §"nullableVersions": "0+", "fields": []}],`), `the common struct has the unknown property "nullableVersions"`, "Kafka knows deprecatedVersions, fields, name, versions"},
	{"a list for a text", data(`{"name": "a", "about": §["a"], "type": "int8", "versions": "0+"}`), "a string is needed here, not an array", "write a string"},
	{"an object for versions", data(`{"name": "a", "type": "int8", "versions": §{}}`), "a string is needed here, not an object", "write a string"},
	{"a boolean that is none", data(`{"name": "a", "type": "int8", "versions": "0+", "ignorable": §"yes"}`), `"yes" is no boolean`, "write true or false"},
	{"a boolean of package strconv", data(`{"name": "a", "type": "int8", "versions": "0+", "ignorable": §"t"}`), `"t" is no boolean`, "write true or false"},
	{"a number for a boolean", request(`"latestVersionUnstable": §1,`), `"1" is no boolean`, "write true or false"},
	{"an api key above int16", `{"apiKey": §32768, "type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`, `"32768" is no such number`, "from 0 to 32767"},
	{"a negative api key", `{"apiKey": §-1, "type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`, `"-1" is no such number`, "from 0 to 32767"},
	{"an api key in letters", `{"apiKey": §"seven", "type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`, `"seven" is no such number`, "whole number"},
	{"an api key with a fraction", `{"apiKey": §1.5, "type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`, `"1.5" is no such number`, "whole number"},

	// Versions.
	{"no versions at all", data(`§{"name": "a", "type": "int8"}`), "the field a has no versions", `add "versions": "0+"`},
	{"empty versions", data(`§{"name": "a", "type": "int8", "versions": ""}`), "the field a has no versions", `add "versions": "0+"`}, // empty is absent
	{"blank versions", data(`§{"name": "a", "type": "int8", "versions": " "}`), "the field a has no versions", `add "versions": "0+"`},
	{"null versions", data(`§{"name": "a", "type": "int8", "versions": null}`), "the field a has no versions", `add "versions": "0+"`},
	{"versions in letters", data(`{"name": "a", "type": "int8", "versions": §"all"}`), `"all" is no version range`, `"3+"`},
	{"negative versions", data(`{"name": "a", "type": "int8", "versions": §"-1"}`), `"-1" is no version range`, `"3+"`},
	{"versions above int16", data(`{"name": "a", "type": "int8", "versions": §"32768"}`), `"32768" is no version range`, `"3+"`},
	{"a range and a plus", data(`{"name": "a", "type": "int8", "versions": §"1-2+"}`), `"1-2+" is no version range`, `"3+"`},
	{"spaces in a range", data(`{"name": "a", "type": "int8", "versions": §"1 - 2"}`), `"1 - 2" is no version range`, `"3+"`},
	{"a range that ends before it starts", data(`{"name": "a", "type": "int8", "versions": §"5-3"}`), `the version range "5-3" ends before it starts`, `"1-5"`},

	// The message.
	{"no name", `§{"type": "data", "validVersions": "none"}`, "the message has no name", "add it"},
	{"no type", `§{"name": "AData", "validVersions": "none"}`, "the message has no type", "add it"},
	{"no valid versions", `§{"type": "data", "name": "AData", "flexibleVersions": "0+"}`, "the message has no validVersions", `add "validVersions": "0"`},
	{"empty valid versions", `§{"type": "data", "name": "AData", "validVersions": "", "flexibleVersions": "0+"}`, "the message has no validVersions", "add"}, // not "none"
	{"null valid versions", `§{"type": "data", "name": "AData", "validVersions": null, "flexibleVersions": "0+"}`, "the message has no validVersions", "add"},
	{"no flexible versions", `§{"type": "data", "name": "AData", "validVersions": "0", "fields": []}`, "the message has no flexibleVersions", `"0+", or "none"`},
	{"a name with other letters", `{"type": "data", §"name": "A-Data", "validVersions": "0", "flexibleVersions": "0+"}`, `"A-Data" is no message name`, "letters and digits"},
	{"a name in lower case", `{"type": "data", §"name": "aData", "validVersions": "0", "flexibleVersions": "0+"}`, `"aData" is no message name`, "a capital first"},
	{"an empty name", `{"type": "data", §"name": "", "validVersions": "0", "flexibleVersions": "0+"}`, `"" is no message name`, "a capital first"},
	{"a type of no kind", `{§"type": "Request", "name": "ARequest", "validVersions": "0", "flexibleVersions": "0+"}`, `"Request" is no message type`, "use one of [request response header data metadata coordinator-key coordinator-value]"},
	{"valid versions without an end", `{"type": "data", "name": "AData", §"validVersions": "0+", "flexibleVersions": "0+"}`, "validVersions is open-ended", `write "0-5"`},
	{"the highest valid version", `{"type": "data", "name": "AData", §"validVersions": "32767", "flexibleVersions": "0+"}`, "validVersions is open-ended", `write "0-5"`}, // is the open end
	{"flexible versions with an end", `{"type": "data", "name": "AData", "validVersions": "0-3", §"flexibleVersions": "1-3"}`, "flexibleVersions 1-3 is neither none nor open-ended", "plus sign"},
	{"a request without a key", `§{"type": "request", "name": "ARequest", "validVersions": "0", "flexibleVersions": "0+"}`, "a request needs an apiKey", "add it"},
	{"a response without a key", `§{"type": "response", "name": "AResponse", "validVersions": "0", "flexibleVersions": "0+"}`, "a response needs an apiKey", "add it"},
	{"a request without its suffix", `{"apiKey": 1, "type": "request", §"name": "Heartbeat", "validVersions": "0", "flexibleVersions": "0+"}`, "the request is named Heartbeat", "end it with Request"},
	{"a response named as a request", `{"apiKey": 1, "type": "response", §"name": "HeartbeatRequest", "validVersions": "0", "flexibleVersions": "0+"}`, "the response is named HeartbeatRequest", "end it with Response"},
	{"a metadata record without its type", `§{"type": "metadata", "name": "ARecord", "validVersions": "0", "flexibleVersions": "0+"}`, "a metadata record needs an apiKey", "add the record type"},
	{"a coordinator's key without its type", `§{"type": "coordinator-key", "name": "AKey", "validVersions": "0", "flexibleVersions": "none"}`, "a coordinator-key needs an apiKey", "add the record type"},
	{"a coordinator's value without its type", `§{"type": "coordinator-value", "name": "AValue", "validVersions": "0", "flexibleVersions": "0+"}`, "a coordinator-value needs an apiKey", "add the record type"},
	{"a coordinator's key of two versions", `{"apiKey": 1, "type": "coordinator-key", "name": "AKey", §"validVersions": "0-1", "flexibleVersions": "none"}`, "a coordinator-key has version 0 only", `write "0"`},
	{"a flexible coordinator's key", `{"apiKey": 1, "type": "coordinator-key", "name": "AKey", "validVersions": "0", §"flexibleVersions": "0+"}`, "a coordinator-key has no flexible versions", `write "none"`},
	{"listeners of a response", response(`§"listeners": ["broker"],`), "only requests have listeners", "remove them"},
	{"a listener of no kind", request(`§"listeners": ["broker", "client"],`), `"client" is no listener`, "use broker, controller or zkBroker"},
	{"an unstable response", response(`§"latestVersionUnstable": true,`), "only requests have latestVersionUnstable", "say so in the request"},

	// Versions of headers.
	{"no map of headers", request(`"headerVersions": §"1",`), "headerVersions maps version ranges to header versions", `{"0-8": "1", "9+": "2"}`},
	{"an empty map of headers", request(`"headerVersions": §{},`), "headerVersions maps version ranges", ""},
	{"headers of a blank range", request(`"headerVersions": {§"": "1"},`), `"" is no version range`, `"9+"`},
	{"headers of no range", request(`"headerVersions": {§"first": "1"},`), `"first" is no version range`, `"9+"`},
	{"headers of no versions", request(`"headerVersions": {§"none": "1"},`), `"none" is no version range`, `"9+"`},
	{"a negative header", request(`"headerVersions": {"0+": §"-1"},`), `"-1" is no such number`, "from 0"},
	{"a blank header", request(`"headerVersions": {"0+": §""},`), `"" is no such number`, "from 0"},
	{"a null header", request(`"headerVersions": {"0+": §null},`), `"null" is no such number`, "from 0"},
	{"headers not from 0 on", request(`"headerVersions": §{"1+": "1"},`), "a gap or an overlap before 1+", "let the next range start at 0"},
	{"a gap between headers", request(`"headerVersions": §{"0": "1", "2+": "2"},`), "a gap or an overlap before 2+", "start at 1"},
	{"an overlap of headers", request(`"headerVersions": §{"0-2": "1", "2+": "2"},`), "a gap or an overlap before 2+", "start at 3"},
	{"headers above the valid versions", request(`"headerVersions": §{"0-3": "1", "4+": "2"},`), "headerVersions has 4+, above the last valid version 3", "remove it"},
	{"headers with an end", request(`"headerVersions": §{"0-1": "1", "2-3": "2"},`), "headerVersions is not open-ended", "plus sign"},
	{"headers of data", `{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", §"headerVersions": {"0+": "1"}}`, "only requests and responses have headerVersions", "remove it"},
	{"headers of a reserved key", `{"apiKey": 4, "type": "request", "name": "ARequest", "validVersions": "none", "headerVersions": §{"0+": "1"}}`, "a message without valid versions has headerVersions", "remove it"},
	{"a header of ApiVersionsResponse that old brokers lack", `{"apiKey": 18, "type": "response", "name": "ApiVersionsResponse", "validVersions": "0-3", "flexibleVersions": "3+", §"headerVersions": {"0-2": "0", "3+": "1"}}`, "ApiVersionsResponse has header version 0 always", "map all versions to 0"},

	// Structs.
	{"a common struct without a name", request(`"commonStructs": [§{"versions": "0+", "fields": []}],`), "a common struct has no name", "add a name"},
	{"a common struct without versions", request(`"commonStructs": [§{"name": "S", "fields": []}],`), "the struct S has no versions", `add "versions": "0+"`},
	{"a common struct with empty versions", request(`"commonStructs": [§{"name": "S", "versions": "", "fields": []}],`), "the struct S has no versions", `add "versions": "0+"`},
	{"a common struct in lower case", request(`"commonStructs": [§{"name": "s", "versions": "0+", "fields": []}],`), "the struct s starts in lower case", "a capital"},
	{"a common struct twice", request(`"commonStructs": [{"name": "S", "versions": "0+", "fields": []}, §{"name": "S", "versions": "0+", "fields": []}],`), "the common struct S is there twice", "rename or remove one"},
	{"a common struct named as its message", request(`"commonStructs": [§{"name": "ARequest", "versions": "0+", "fields": []}],`), "has the name of the message", "rename or remove one"},
	{"a common struct described again", `{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "commonStructs": [{"name": "S", "versions": "0+", "fields": []}], "fields": [
		§{"name": "a", "type": "S", "versions": "0+", "fields": [{"name": "b", "type": "int8", "versions": "0+"}]}]}`, "the field a describes the common struct S again", "leave the fields to commonStructs"},
	{"a struct described twice", data(`{"name": "a", "type": "S", "versions": "0+", "fields": [{"name": "x", "type": "int8", "versions": "0+"}]},
		§{"name": "b", "type": "[]S", "versions": "0+", "fields": [{"name": "x", "type": "int8", "versions": "0+"}]}`), "the struct S is described twice", "describe it once under commonStructs"},
	{"a struct named as its message", data(`§{"name": "a", "type": "AData", "versions": "0+", "fields": [{"name": "x", "type": "int8", "versions": "0+"}]}`), "the struct AData is described twice", "commonStructs"},
	{"a struct described nowhere", data(`§{"name": "a", "type": "[]S", "versions": "0+"}`), "the struct S of the field a is not described", "describe its fields there or under commonStructs"},
	{"a struct that is the message", data(`§{"name": "a", "type": "AData", "versions": "0+"}`), "the struct AData of the field a is not described", "commonStructs"},
	{"a struct inside itself", data(`{"name": "a", "type": "S", "versions": "0+", "fields": [§{"name": "b", "type": "[]S", "versions": "0+"}]}`), "the struct S contains itself", "fixed depth"},
	{"an inline struct of versions that its place has not", data(`{"name": "a", "type": "[]S", "versions": "0-1", "fields": [
		§{"name": "b", "type": "T", "versions": "2+", "fields": [{"name": "c", "type": "int8", "versions": "2+"}]}]}`), "the struct T has no version: the field b is in 2+, what is around it in 0-1", "widen one of them"},
	{"an inline struct above the valid versions", data(`§{"name": "a", "type": "S", "versions": "4+", "fields": [{"name": "b", "type": "int8", "versions": "4+"}]}`), "the struct S has no version: the field a is in 4+, what is around it in 0-3", "remove the field"},
	{"a common struct in a version that it has not", `{"type": "data", "name": "AData", "validVersions": "0-3", "flexibleVersions": "2+", "commonStructs": [{"name": "S", "versions": "2+", "fields": []}],
		"fields": [§{"name": "a", "type": "S", "versions": "1+"}]}`, "the field a is in 1-3, its struct S only in 2+", "widen the struct or narrow the field"},

	// Fields.
	{"a field without a name", data(`§{"type": "int8", "versions": "0+"}`), `"" is no field name`, "letters and digits"},
	{"a field with another letter first", data(`§{"name": "_a", "type": "int8", "versions": "0+"}`), `"_a" is no field name`, "a letter first"},
	{"a field with a digit first", data(`§{"name": "1a", "type": "int8", "versions": "0+"}`), `"1a" is no field name`, "a letter first"},
	{"a field with letters of another script", data(`§{"name": "größe", "type": "int8", "versions": "0+"}`), `"größe" is no field name`, "letters and digits"},
	{"a field without a type", data(`§{"name": "a", "versions": "0+"}`), "the field a has no type", "add a type"},
	{"a type of no kind", data(`{"name": "a", "type": §"int", "versions": "0+"}`), `the field a: "int" is no type`, "use bool, int8, int16, uint16, int32, uint32, int64, float64, uuid, string, bytes, records"},
	{"a type with other letters", data(`{"name": "a", "type": §"S-T", "versions": "0+"}`), `"S-T" is no type`, "use bool"},
	{"an array of nothing", data(`{"name": "a", "type": §"[]", "versions": "0+"}`), `"[]" names no element type`, "[] before one of these"},
	{"an array of arrays", data(`{"name": "a", "type": §"[][]int8", "versions": "0+"}`), `"[][]int8" is an array of arrays`, "use bool"},
	{"an array of records", data(`§{"name": "a", "type": "[]records", "versions": "0+"}`), "the field a is an array of records", "use []bytes"},
	{"fields of a number", data(`{"name": "a", "type": "int8", "versions": "0+", "fields": §[{"name": "b", "type": "int8", "versions": "0+"}]}`), "the field a of type int8 cannot have fields", "give it a struct's type"},
	{"fields of an array of numbers", data(`{"name": "a", "type": "[]int8", "versions": "0+", "fields": §[{"name": "b", "type": "int8", "versions": "0+"}]}`), "the field a of type []int8 cannot have fields", "give it a struct's type"},
	{"a name twice", data(`{"name": "a", "type": "int8", "versions": "0"}, §{"name": "a", "type": "int16", "versions": "1+"}`), "AData has the field a twice", "rename or remove one"},
	{"a name twice in a struct", data(`{"name": "a", "type": "[]S", "versions": "0+", "fields": [{"name": "b", "type": "int8", "versions": "0+"}, §{"name": "b", "type": "int8", "versions": "0+"}]}`), "S has the field b twice", "rename or remove one"},
	{"a key at the top", data(`§{"name": "a", "type": "int8", "versions": "0+", "mapKey": true}`), "the top-level field a cannot be a mapKey", "remove it"},
	{"a null number", data(`§{"name": "a", "type": "int8", "versions": "0+", "nullableVersions": "0+"}`), "the field a of type int8 cannot be null", "remove nullableVersions"},
	{"a null uuid", data(`§{"name": "a", "type": "uuid", "versions": "0+", "nullableVersions": "0+"}`), "the field a of type uuid cannot be null", "remove nullableVersions"},
	{"an entity of another type", data(`§{"name": "a", "type": "int64", "versions": "0+", "entityType": "brokerId"}`), "the field a is a brokerId but has type int64", "use int32"},
	{"entities of another type", data(`§{"name": "a", "type": "[]int32", "versions": "0+", "entityType": "topicName"}`), "the field a is a topicName but has type []int32", "use string"},
	{"an entity of no kind", data(`§{"name": "a", "type": "string", "versions": "0+", "entityType": "topicId"}`), `"topicId" is no entity type`, "use transactionalId, producerId, groupId, topicName or brokerId"},
	{"flexible versions of a number", data(`§{"name": "a", "type": "int8", "versions": "0+", "flexibleVersions": "none"}`), "the field a of type int8 cannot override the message's flexibleVersions", "remove flexibleVersions"},
	{"flexible versions of an array", data(`§{"name": "a", "type": "[]string", "versions": "0+", "flexibleVersions": "none"}`), "cannot override the message's flexibleVersions", "remove flexibleVersions"},
	{"flexible versions that the message has not", data(`§{"name": "a", "type": "string", "versions": "0+", "flexibleVersions": "1+"}`), "the field a is flexible in 1+, the message only in 2+", "narrow it"},
	{"a string that is not copied", data(`§{"name": "a", "type": "string", "versions": "0+", "zeroCopy": true}`), "the field a of type string cannot be zeroCopy", "remove zeroCopy"},
	{"an array that is not copied", data(`§{"name": "a", "type": "[]bytes", "versions": "0+", "zeroCopy": true}`), "the field a of type []bytes cannot be zeroCopy", "remove zeroCopy"},

	// Defaults.
	{"an array with elements", data(`{"name": "a", "type": "[]int8", "versions": "0+", "default": §"1"}`), `"1" cannot be the default of the field a of type []int8`, `only empty and "null" are possible`},
	{"bytes with content", data(`{"name": "a", "type": "bytes", "versions": "0+", "default": §"x"}`), `"x" cannot be the default of the field a of type bytes`, `only empty and "null" are possible`},
	{"a struct with content", data(`{"name": "a", "type": "S", "versions": "0+", "default": §"{}", "fields": []}`), `"{}" cannot be the default of the field a of type S`, `only empty and "null" are possible`},
	{"a boolean default that is none", data(`{"name": "a", "type": "bool", "versions": "0+", "default": §"1"}`), `"1" cannot be the default of the field a of type bool`, "write true or false"},
	{"an id that is none", data(`{"name": "a", "type": "uuid", "versions": "0+", "default": §"x"}`), `"x" cannot be the default`, "16 bytes in base64url"},
	{"an id of 15 bytes", data(`{"name": "a", "type": "uuid", "versions": "0+", "default": §"AAECAwQFBgcICQoLDA0O"}`), "cannot be the default", "22 characters"},
	{"a float that is not a number", data(`{"name": "a", "type": "float64", "versions": "0+", "default": §"NaN"}`), `"NaN" cannot be the default of the field a of type float64`, "write a number that is finite"},
	{"a float without end", data(`{"name": "a", "type": "float64", "versions": "0+", "default": §"-Infinity"}`), `"-Infinity" cannot be the default`, "write a number that is finite"},
	{"a float beyond all", data(`{"name": "a", "type": "float64", "versions": "0+", "default": §"1e309"}`), `"1e309" cannot be the default`, "write a number"},
	{"a string that cannot be written", data(`{"name": "a", "type": "string", "versions": "0+", "default": §"` + strings.Repeat("ä", 16384) + `"}`), `the default of the field a has 32768 bytes, more than a string can have`, "write at most 32767"},
	{"a float that is none", data(`{"name": "a", "type": "float64", "versions": "0+", "default": §"1,5"}`), `"1,5" cannot be the default`, "write a number"},
	{"an octal number", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"010"}`), `"010" cannot be the default`, "octal"}, // 8 in Java's code, 10 in its check
	{"a negative octal number", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"-010"}`), `"-010" cannot be the default`, "octal"},
	{"an integer in letters", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"one"}`), `"one" cannot be the default`, "decimal or hexadecimal with 0x"},
	{"an integer that is null", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"null"}`), `"null" cannot be the default`, "decimal or hexadecimal with 0x"},
	{"an integer with a fraction", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §1.5}`), `"1.5" cannot be the default`, "decimal"},
	{"hexadecimal without digits", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"0x"}`), `"0x" cannot be the default`, "decimal"},
	{"digits in groups", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"1_000"}`), `"1_000" cannot be the default`, "decimal"},
	{"above int8", data(`{"name": "a", "type": "int8", "versions": "0+", "default": §"128"}`), `"128" cannot be the default`, "at least -128 and below 128"},
	{"above int8 in hexadecimal", data(`{"name": "a", "type": "int8", "versions": "0+", "default": §"0xff"}`), `"0xff" cannot be the default`, "at least -128 and below 128"}, // not -1
	{"below int16", data(`{"name": "a", "type": "int16", "versions": "0+", "default": §"-32769"}`), "cannot be the default", "at least -32768 and below 32768"},
	{"above uint16", data(`{"name": "a", "type": "uint16", "versions": "0+", "default": §"65536"}`), "cannot be the default", "at least 0 and below 65536"},
	{"below uint16", data(`{"name": "a", "type": "uint16", "versions": "0+", "default": §"-1"}`), "cannot be the default", "at least 0"},
	{"above int32", data(`{"name": "a", "type": "int32", "versions": "0+", "default": §"0x80000000"}`), "cannot be the default", "below 2147483648"},
	{"above uint32", data(`{"name": "a", "type": "uint32", "versions": "0+", "default": §"4294967296"}`), "cannot be the default", "below 4294967296"},
	{"above int64", data(`{"name": "a", "type": "int64", "versions": "0+", "default": §"9223372036854775808"}`), "cannot be the default", "below 9223372036854775808"},
	{"null where it cannot be", data(`{"name": "a", "type": "string", "versions": "0+", "default": §"null"}`), "null cannot be the default of the field a: it is nullable in none only, of 0+", "widen nullableVersions to 0+"},
	{"null where it cannot be in some versions", data(`{"name": "a", "type": "bytes", "versions": "0+", "nullableVersions": "1+", "default": §"null"}`), "it is nullable in 1+ only, of 0+", "or give another default"},
	{"a null array where it cannot be", data(`{"name": "a", "type": "[]int8", "versions": "1-2", "nullableVersions": "2+", "default": §"null"}`), "it is nullable in 2+ only, of 1-2", "widen nullableVersions to 1-2"},
	{"a null struct where it cannot be", data(`{"name": "a", "type": "S", "versions": "0+", "nullableVersions": "1+", "default": §"null", "fields": []}`), "null cannot be the default of the field a", "widen"},

	// Tags.
	{"a negative tag", data(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": §-1}`), `"-1" is no such number`, "from 0"},
	{"a negative tag alone", data(`{"name": "a", "type": "int8", "versions": "2+", "tag": §-1}`), `"-1" is no such number`, "from 0"}, // is not "no tag"
	{"tagged versions without a tag", data(`§{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+"}`), "the field a has taggedVersions 2+ but no tag", "add a tag or remove taggedVersions"},
	{"a tag without tagged versions", data(`§{"name": "a", "type": "int8", "versions": "2+", "tag": 0}`), "the field a has the tag 0 but no taggedVersions", "add taggedVersions"},
	{"a tag twice", data(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0}, §{"name": "b", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0}`), "AData has the tag 0 twice", "take the next free tag"},
	{"tags not from 0 on", data(`§{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 1}`), "AData uses 1 tags but not the tag 0", "without gaps"},
	{"a gap between tags", data(`§{"name": "x", "type": "int8", "versions": "0+"}, {"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 2}, {"name": "b", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0}`), "AData uses 2 tags but not the tag 1", "without gaps"},
	{"a gap between tags of versions that exist", data(`§{"name": "a", "type": "int8", "versions": "4+", "taggedVersions": "4+", "tag": 0}, {"name": "b", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 1}`), "AData uses 1 tags but not the tag 0", "without gaps"}, // the normal form drops a
	{"a tagged key", data(`{"name": "s", "type": "[]S", "versions": "2+", "fields": [§{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0, "mapKey": true}]}`), "the mapKey a cannot be tagged", "remove the tag"},
	{"tagged records", data(`§{"name": "a", "type": "records", "versions": "2+", "taggedVersions": "2+", "tag": 0}`), "the records a cannot be tagged", "remove the tag"},
	{"tagged versions with an end", data(`§{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2-3", "tag": 0}`), "the field a has taggedVersions 2-3, which is not open-ended", "plus sign"},
	{"tagged before it exists", data(`§{"name": "a", "type": "int8", "versions": "3+", "taggedVersions": "2+", "tag": 0}`), "the field a is tagged in 2+ but exists in 3+ only", "narrow taggedVersions"},
	{"tagged where it is gone", data(`§{"name": "a", "type": "int8", "versions": "2-3", "taggedVersions": "2+", "tag": 0}`), "the field a is tagged in 2+ but exists in 2-3 only", "narrow taggedVersions"},
	{"tagged before the message is flexible", data(`§{"name": "a", "type": "int8", "versions": "1+", "taggedVersions": "1+", "tag": 0}`), "the field a is tagged in 1+ but flexible in 2+ only", "narrow taggedVersions"},
	{"tagged where the field is not flexible", data(`§{"name": "a", "type": "string", "versions": "2+", "taggedVersions": "2+", "tag": 0, "flexibleVersions": "none"}`), "the field a is tagged in 2+ but flexible in none only", "narrow taggedVersions"},
	{"null in some tagged versions", data(`§{"name": "a", "type": "string", "versions": "2+", "taggedVersions": "2+", "tag": 0, "nullableVersions": "3+"}`), "the field a is nullable in 3+ but tagged in 2+", "nullable in all tagged versions or in none"},
}

// parts takes a joined error apart.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// mark finds the § in a text, and removes it.
func mark(t *testing.T, text string) (plain string, line, column int) {
	t.Helper()
	before, after, found := strings.Cut(text, "§")
	if !found || strings.Contains(after, "§") {
		t.Fatalf("the row needs one §, and has\n%s", text)
	}
	column = len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return before + after, strings.Count(before, "\n") + 1, column
}

func TestRules(t *testing.T) {
	for _, row := range broken {
		t.Run(row.why, func(t *testing.T) {
			in, line, column := mark(t, row.in)
			_, err := Parse("folder/A.json", []byte(in), Options{})
			got := parts(err)
			if len(got) == 0 {
				t.Fatalf("got no error, want one that says %q", row.rule)
			}
			if len(got) > 1 && row.why != "a struct named as its message" { // which is then unknown, too
				t.Errorf("got the errors\n%v\nwant one, that says %q", err, row.rule)
			}
			var e *Error
			if !errors.As(got[0], &e) {
				t.Fatalf("got %T, want *Error", got[0])
			}
			if e.File != "folder/A.json" || e.Line != line || e.Column != column {
				t.Errorf("got the place %s:%d:%d, want folder/A.json:%d:%d, for %v", e.File, e.Line, e.Column, line, column, e)
			}
			if !strings.Contains(e.Rule, row.rule) {
				t.Errorf("got the rule %q, want %q", e.Rule, row.rule)
			}
			if !strings.Contains(e.Fix, row.fix) {
				t.Errorf("got the fix %q, want %q", e.Fix, row.fix)
			}
		})
	}
}

// TestRulesAreTested looks for rules in the code that no row breaks, so that nobody adds one
// without.
func TestRulesAreTested(t *testing.T) {
	var told []string // what the errors of all rows say
	for _, row := range broken {
		_, err := Parse("A.json", []byte(strings.Replace(row.in, "§", "", 1)), Options{})
		for _, e := range parts(err) {
			told = append(told, e.(*Error).Rule, e.(*Error).Fix)
		}
	}
	verbs := regexp.MustCompile(`%[a-z]`)
	sites := 0
	for _, name := range []string{"json.go", "parse.go", "rules.go"} {
		fset := token.NewFileSet()
		file, err := goparser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "CheckSet" {
				return false // has a test of its own
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			var texts []ast.Expr
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr: // p.add(place, fix, rule, ...), s.fail(place, fix, rule, ...)
				if (f.Sel.Name == "add" || f.Sel.Name == "fail") && len(call.Args) >= 3 {
					texts = call.Args[1:3]
				}
			case *ast.Ident: // bad(fix)
				if f.Name == "bad" {
					texts = call.Args
				}
			}
			for _, text := range texts {
				literal, ok := text.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					continue // made of parts
				}
				sites++
				format, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				pattern := regexp.MustCompile("^" + verbs.ReplaceAllString(regexp.QuoteMeta(format), "(?s:.*)") + "$")
				if !slices.ContainsFunc(told, pattern.MatchString) {
					t.Errorf("%s: no row of the table brings %q", fset.Position(text.Pos()), format)
				}
			}
			return true
		})
	}
	if sites < 100 {
		t.Errorf("found %d texts of errors, want more than 100: are they written in another way now?", sites)
	}
}

// TestAllErrorsAtOnce: one run tells everything that is wrong in a file.
func TestAllErrorsAtOnce(t *testing.T) {
	_, err := Parse("spec/clients/ARequest.json", []byte(`{
  "type": "request",
  "name": "ARequest",
  "listeners": ["client"],
  "validVersions": "0-3",
  "flexibleVersions": "2-3",
  "fields": [
    { "name": "a", "type": "int8", "versions": "0+", "nullableVersions": "1+" },
    { "name": "a", "type": "string", "versions": "0+", "zeroCopy": true }
  ]
}`), Options{})
	want := `spec/clients/ARequest.json:6:3: flexibleVersions 2-3 is neither none nor open-ended; end it with a plus sign
spec/clients/ARequest.json:1:1: a request needs an apiKey; add it
spec/clients/ARequest.json:4:3: "client" is no listener; use broker, controller or zkBroker
spec/clients/ARequest.json:8:5: the field a of type int8 cannot be null; remove nullableVersions
spec/clients/ARequest.json:9:5: ARequest has the field a twice; rename or remove one
spec/clients/ARequest.json:9:5: the field a of type string cannot be zeroCopy; remove zeroCopy`
	if d := cmp.Diff(strings.Split(err.Error(), "\n"), strings.Split(want, "\n")); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

func TestErrorText(t *testing.T) {
	for _, row := range []struct {
		err  Error
		want string
	}{
		{Error{"A.json", 3, 7, "it is wrong", "mend it"}, "A.json:3:7: it is wrong; mend it"},
		{Error{"A.json", 3, 7, "it is wrong", ""}, "A.json:3:7: it is wrong"},
		{Error{"A.json", 0, 0, "it is wrong", "mend it"}, "A.json: it is wrong; mend it"}, // of the whole file
	} {
		if got := row.err.Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

// TestCheckSet has each rule between messages.
func TestCheckSet(t *testing.T) {
	message := func(kind Kind, name string, key int16, valid string) *Message {
		v, err := ParseVersions(valid)
		if err != nil {
			t.Fatal(err)
		}
		return &Message{Name: name, Kind: kind, APIKey: key, Valid: v, File: name + ".json"}
	}
	pair := []*Message{message(Request, "ARequest", 1, "0-3"), message(Response, "AResponse", 1, "0-3")}
	for _, row := range []struct {
		why  string
		set  []*Message
		want string // "" for none
	}{
		{"nothing", nil, ""},
		{"a pair", pair, ""},
		{"a key and its value, in any versions", []*Message{message(CoordinatorKey, "AKey", 1, "0"), message(CoordinatorValue, "AValue", 1, "0-2")}, ""},
		{"records of two kinds may have one key", append(slices.Clone(pair), message(Metadata, "ARecord", 1, "0"), message(Data, "AData", 1, "0")), ""},
		{"data of one key", []*Message{message(Data, "AData", 1, "0"), message(Data, "BData", 1, "0")}, ""},
		{"data without keys", []*Message{message(Data, "AData", NoKey, "0"), message(Header, "AHeader", NoKey, "0")}, ""},
		{"a name twice", []*Message{message(Data, "AData", NoKey, "0"), message(Data, "AData", NoKey, "0")},
			"AData.json: AData is described in AData.json too; rename or remove one"},
		{"a key twice", append(slices.Clone(pair), message(Request, "BRequest", 1, "0-3")),
			"BRequest.json: BRequest has the apiKey 1 of ARequest; take a free one\nBRequest.json: the response of BRequest is named AResponse; name both after the API"},
		{"a record type twice", []*Message{message(Metadata, "ARecord", 1, "0"), message(Metadata, "BRecord", 1, "0")},
			"BRecord.json: BRecord has the apiKey 1 of ARecord; take a free one"},
		{"a request without a response", pair[:1], "ARequest.json: ARequest has no response of the apiKey 1 beside it; add it"},
		{"a response without a request", pair[1:], "AResponse.json: AResponse has no request of the apiKey 1 beside it; add it"},
		{"a key without a value", []*Message{message(CoordinatorKey, "AKey", 1, "0")}, "AKey.json: AKey has no coordinator-value of the apiKey 1 beside it; add it"},
		{"a value without a key", []*Message{message(CoordinatorValue, "AValue", 1, "0")}, "AValue.json: AValue has no coordinator-key of the apiKey 1 beside it; add it"},
		{"names of two APIs", []*Message{pair[0], message(Response, "BResponse", 1, "0-3")}, "ARequest.json: the response of ARequest is named BResponse; name both after the API"},
		{"other versions", []*Message{pair[0], message(Response, "AResponse", 1, "0-2")}, "ARequest.json: ARequest is valid in 0-3, its response in 0-2; give both the same"},
	} {
		got := ""
		if err := CheckSet(row.set); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: got\n%s\nwant\n%s", row.why, got, row.want)
		}
	}
}

func TestSortMessages(t *testing.T) {
	set := []*Message{{Name: "C"}, {Name: "A"}, {Name: "B"}}
	SortMessages(set)
	if got := set[0].Name + set[1].Name + set[2].Name; got != "ABC" {
		t.Errorf("got %s, want ABC", got)
	}
}
