// Package aws has the mechanism AWS_MSK_IAM, by which brokers of Amazon MSK know clients by their
// AWS credentials, and finds these credentials where programs in AWS have them. It needs no AWS
// SDK:
//
//	mechanism := &aws.MSKIAM{Credentials: aws.Default()}
//
// Where credentials come from otherwise, from single sign-on or a role of another account, an SDK
// gets them: see the example of [CredentialsFunc].
package aws
