//! `.sse_customer(&key)` on the SDK's builders.
//!
//! The SDK's model has twelve operations with a member for the algorithm of a customer key. Eleven
//! are here; the twelfth, WriteGetObjectResponse, is what a Lambda function of AWS *says* of an object
//! and carries no key. Two have one for the source of a copy. A live test compares both lists with the
//! SDK's source.

use super::only_tls;
use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use s3_ssec_core::endpoint::PlainHttp;
use s3_ssec_core::headers::{self, SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::key::CustomerKey;
use std::fmt;
use std::sync::Arc;

mod sealed {
    /// Only builders of the SDK: what else would send the headers is not known to sign them.
    #[allow(unnameable_types, reason = "that nobody else can name it is what seals")]
    pub trait Builder {}
}

/// A builder of `aws-sdk-s3` that takes the customer key of the object it is about: PutObject,
/// GetObject, HeadObject, CopyObject, CreateMultipartUpload, UploadPart, UploadPartCopy,
/// CompleteMultipartUpload, ListParts, GetObjectAttributes and SelectObjectContent.
///
/// In a multipart upload all of Create, UploadPart and Complete need it: RGW stores plaintext when
/// Create has none, and a policy that requires the key refuses Complete without it (measured on RGW
/// 16.2, 18.2 and 20.2).
pub trait SseCustomer: sealed::Builder {
    /// The request, ready to be sent.
    type Request;

    /// Sends the three headers of `key` with the request, signed.
    ///
    /// `send` fails before anything leaves where the endpoint is not TLS, or where the request has a
    /// customer key already. Call it last: what it returns has `send` and `presigned`. A presigned
    /// address never holds the key: it is in the headers that go with it.
    fn sse_customer(self, key: &CustomerKey) -> Self::Request;
}

/// A builder of `aws-sdk-s3` that reads the source of a copy: CopyObject and UploadPartCopy.
pub trait CopySourceSseCustomer: sealed::Builder {
    /// The request, ready to be sent.
    type Request;

    /// Sends the three headers that open the source of the copy, signed. They say nothing about the
    /// target: without [`SseCustomer::sse_customer`] beside it the copy is stored in the clear.
    ///
    /// RGW before 20.2.4 does not copy objects with customer keys; some releases answer 200 and store
    /// plaintext. Verify the echo.
    fn copy_source_sse_customer(self, key: &CustomerKey) -> Self::Request;
}

macro_rules! operations {
    ($role:ident :: $method:ident sends $headers:ident:
     $($module:ident $builder:ident $output:ident $error:ident),+ $(,)?) => {$(
        impl $role for aws_sdk_s3::operation::$module::builders::$builder {
            type Request = CustomizableOperation<
                aws_sdk_s3::operation::$module::$output,
                aws_sdk_s3::operation::$module::$error,
                Self,
            >;

            fn $method(self, key: &CustomerKey) -> Self::Request {
                self.customize().$method(key)
            }
        }

        impl $role for CustomizableOperation<
            aws_sdk_s3::operation::$module::$output,
            aws_sdk_s3::operation::$module::$error,
            aws_sdk_s3::operation::$module::builders::$builder,
        > {
            type Request = Self;

            fn $method(self, key: &CustomerKey) -> Self {
                self.interceptor(Once(Arc::new($headers::of(key))))
            }
        }
    )+};
}

macro_rules! builders {
    ($($module:ident $builder:ident $output:ident $error:ident),+ $(,)?) => {
        $(
            impl sealed::Builder for aws_sdk_s3::operation::$module::builders::$builder {}
            impl sealed::Builder for CustomizableOperation<
                aws_sdk_s3::operation::$module::$output,
                aws_sdk_s3::operation::$module::$error,
                aws_sdk_s3::operation::$module::builders::$builder,
            > {}
        )+
        operations!(SseCustomer::sse_customer sends TargetKeyHeaders:
            $($module $builder $output $error),+);
    };
}

builders![
    put_object PutObjectFluentBuilder PutObjectOutput PutObjectError,
    get_object GetObjectFluentBuilder GetObjectOutput GetObjectError,
    head_object HeadObjectFluentBuilder HeadObjectOutput HeadObjectError,
    copy_object CopyObjectFluentBuilder CopyObjectOutput CopyObjectError,
    create_multipart_upload CreateMultipartUploadFluentBuilder
        CreateMultipartUploadOutput CreateMultipartUploadError,
    upload_part UploadPartFluentBuilder UploadPartOutput UploadPartError,
    upload_part_copy UploadPartCopyFluentBuilder UploadPartCopyOutput UploadPartCopyError,
    complete_multipart_upload CompleteMultipartUploadFluentBuilder
        CompleteMultipartUploadOutput CompleteMultipartUploadError,
    list_parts ListPartsFluentBuilder ListPartsOutput ListPartsError,
    get_object_attributes GetObjectAttributesFluentBuilder
        GetObjectAttributesOutput GetObjectAttributesError,
    select_object_content SelectObjectContentFluentBuilder
        SelectObjectContentOutput SelectObjectContentError,
];

operations!(CopySourceSseCustomer::copy_source_sse_customer sends SourceKeyHeaders:
    copy_object CopyObjectFluentBuilder CopyObjectOutput CopyObjectError,
    upload_part_copy UploadPartCopyFluentBuilder UploadPartCopyOutput UploadPartCopyError,
);

/// Puts three headers on one request, just before it is signed.
struct Once<H>(Arc<H>);

/// Either family of headers.
trait Triple: Send + Sync {
    const ALGORITHM: &str;

    fn three(&self) -> [(&'static str, &str); 3];
}

impl Triple for TargetKeyHeaders {
    const ALGORITHM: &str = headers::ALGORITHM;

    fn three(&self) -> [(&'static str, &str); 3] {
        self.pairs()
    }
}

impl Triple for SourceKeyHeaders {
    const ALGORITHM: &str = headers::SOURCE_ALGORITHM;

    fn three(&self) -> [(&'static str, &str); 3] {
        self.pairs()
    }
}

impl<H> fmt::Debug for Once<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once(..)")
    }
}

impl<H: Triple> Intercept for Once<H> {
    fn name(&self) -> &'static str {
        "customer key of one request"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        only_tls(request.uri(), PlainHttp::Refuse)?;
        let headers = request.headers_mut();
        if headers.contains_key(H::ALGORITHM) {
            return Err("the request has a customer key already: give it one, in one way".into());
        }
        for (name, value) in self.0.three() {
            headers.insert(name, value.to_owned());
        }
        Ok(())
    }
}
