//! `.verify_echo(&key)` on the SDK's outputs.

use aws_sdk_s3::operation::copy_object::CopyObjectOutput;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::upload_part::UploadPartOutput;
use aws_sdk_s3::operation::upload_part_copy::UploadPartCopyOutput;
use s3_ssec_core::echo::{EchoError, EchoVerified, KeyEcho, verify_echo};
use s3_ssec_core::key::CustomerKey;

mod sealed {
    /// Only what the gateway itself answered.
    #[allow(unnameable_types, reason = "that nobody else can name it is what seals")]
    pub trait Output {}
}

/// An answer that says under which customer key the gateway worked.
///
/// CompleteMultipartUpload is not among them: the SDK's model has no place for its echo, and RGW
/// before 20.2.4 sends none. After it, HEAD with the key has to echo and HEAD without it has to fail
/// with 400 ([`verify_by_heads`](s3_ssec_core::echo::verify_by_heads)).
pub trait VerifyEcho: sealed::Output {
    /// Proves that the gateway used `key`: the answer names algorithm and MD5, and they are ours.
    ///
    /// An error after a write means that the object may be stored in the clear, whatever the status
    /// was; after a read, that it is not encrypted with this key.
    fn verify_echo(&self, key: &CustomerKey) -> Result<EchoVerified, EchoError>;
}

macro_rules! outputs {
    ($($output:ident),+ $(,)?) => {$(
        impl sealed::Output for $output {}

        impl VerifyEcho for $output {
            fn verify_echo(&self, key: &CustomerKey) -> Result<EchoVerified, EchoError> {
                let (algorithm, md5) = (self.sse_customer_algorithm(), self.sse_customer_key_md5());
                verify_echo(key.md5(), &KeyEcho::new(algorithm, md5))
            }
        }
    )+};
}

outputs![
    PutObjectOutput,
    GetObjectOutput,
    HeadObjectOutput,
    CopyObjectOutput,
    CreateMultipartUploadOutput,
    UploadPartOutput,
    UploadPartCopyOutput,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_echo_of_this_key_proves() {
        let (ours, other) = (key(1), key(2));
        let output = |md5: &str| {
            let output = PutObjectOutput::builder().sse_customer_algorithm("AES256");
            output.sse_customer_key_md5(md5).build()
        };
        let echoed = output(&ours.md5().to_base64());
        assert!(echoed.verify_echo(&ours).is_ok());
        assert_eq!(echoed.verify_echo(&other), Err(EchoError::OtherKey));
        let silent = PutObjectOutput::builder().e_tag("\"x\"").build();
        assert_eq!(silent.verify_echo(&ours), Err(EchoError::Missing));
    }

    fn key(byte: u8) -> CustomerKey {
        CustomerKey::from_bytes(&[byte; 32]).unwrap()
    }
}
