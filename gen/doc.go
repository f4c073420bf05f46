// Package gen writes Go code for Kafka's messages.
//
// [Write] turns the model that package model loads into files: for each message a struct
// with a Version field, its defaults, and methods that check, write, read, copy and print
// it, for all its versions. The code is meant to be read; the tables of errors,
// enumerations and APIs beside it are made by [WriteTables].
package gen

// Where generated code finds what it needs.
const (
	kbinPath = "github.com/franzi-kafka/franzi/kbin"
	kmsgPath = "github.com/franzi-kafka/franzi/kmsg"
)
