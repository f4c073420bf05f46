package aws_test

import (
	"context"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/aws"
)

// In EKS, ECS and EC2 the credentials are there.
func ExampleMSKIAM() {
	mechanism := &aws.MSKIAM{Credentials: aws.Default()}
	fmt.Println(mechanism, mechanism.Check(true))
	// Output: AWS_MSK_IAM <nil>
}

// Credentials that an AWS SDK gets are handed on; sdk stands for its provider of credentials.
func ExampleCredentialsFunc() {
	sdk := func(context.Context) (id, secret, token string, expires time.Time, err error) {
		return "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", time.Now().Add(time.Hour), nil
	}
	mechanism := &aws.MSKIAM{Credentials: func(ctx context.Context) (aws.Credentials, error) {
		id, secret, token, expires, err := sdk(ctx)
		return aws.Credentials{
			AccessKeyID:     id,
			SecretAccessKey: sasl.NewSecret(secret),
			SessionToken:    sasl.NewSecret(token),
			Expires:         expires,
		}, err
	}}
	to := sasl.Endpoint{Addr: "b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098", TLS: true}
	session, err := mechanism.Start(context.Background(), to)
	if err != nil {
		fmt.Println(err)
		return
	}
	message, done, err := session.Step(nil)
	fmt.Println(string(message[:25]), done, err)
	// Output: {"version":"2020_10_22"," false <nil>
}

func ExampleStatic() {
	c, err := aws.Static("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "")(context.Background())
	fmt.Println(c.AccessKeyID, c.SecretAccessKey, err)
	// Output: AKIAIOSFODNN7EXAMPLE [secret] <nil>
}

func ExampleDefault() {
	mechanism := &aws.MSKIAM{Credentials: aws.Default(), Region: "eu-west-1"}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}

// A chain of one's own.
func ExampleFirst() {
	mechanism := &aws.MSKIAM{Credentials: aws.First(aws.Environment(), aws.Profile("kafka"))}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}

func ExampleEnvironment() {
	mechanism := &aws.MSKIAM{Credentials: aws.Environment()}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}

func ExampleProfile() {
	mechanism := &aws.MSKIAM{Credentials: aws.Profile("kafka")}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}

func ExampleWebIdentity() {
	mechanism := &aws.MSKIAM{Credentials: aws.WebIdentity()}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}

func ExampleContainer() {
	mechanism := &aws.MSKIAM{Credentials: aws.Container()}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}

func ExampleInstance() {
	mechanism := &aws.MSKIAM{Credentials: aws.Instance()}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}
