//! Access lists: who else may read or write an object. A new object has the usual one, so others are
//! put on it again.

use crate::call::CallError;
use crate::client::Client;
use aws_sdk_s3::types::{AccessControlPolicy, Grant as S3Grant, Grantee, Owner, Permission, Type};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::rekey::Grant;

impl Client {
    /// The grants of an object; none where only its owner has one.
    pub(super) async fn grants(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<Vec<Grant>, CallError> {
        let (owner, grants) = self.access(name, version).await?;
        let usual =
            |grant: &Grant| grant.permission == "FULL_CONTROL" && grant.to == format!("id:{owner}");
        Ok(if grants.iter().all(usual) { Vec::new() } else { grants })
    }

    /// The owner and all grants.
    async fn access(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<(String, Vec<Grant>), CallError> {
        let (bucket, key) = (name.bucket.as_str(), name.key.as_str());
        let get = self.s3.get_object_acl().bucket(bucket).key(key);
        let answer = get.set_version_id(version.map(str::to_owned)).send().await;
        let answer = answer.map_err(self.explain(Operation::GetObjectAcl, SentKey::None))?;
        let owner = answer.owner().and_then(Owner::id).unwrap_or_default().to_owned();
        Ok((owner, answer.grants().iter().filter_map(noted).collect()))
    }

    /// Gives an object these grants. Its owner stays who it is.
    pub(super) async fn put_grants(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        grants: &[Grant],
    ) -> Result<(), CallError> {
        let (owner, _) = self.access(name, version).await?;
        let policy = AccessControlPolicy::builder()
            .owner(Owner::builder().id(owner).build())
            .set_grants(Some(grants.iter().filter_map(sent).collect()))
            .build();
        let (bucket, key) = (name.bucket.as_str(), name.key.as_str());
        let put = self.s3.put_object_acl().bucket(bucket).key(key).access_control_policy(policy);
        let put = put.set_version_id(version.map(str::to_owned));
        put.send().await.map(drop).map_err(self.explain(Operation::PutObjectAcl, SentKey::None))
    }
}

fn noted(grant: &S3Grant) -> Option<Grant> {
    let grantee = grant.grantee()?;
    let to = match (grantee.id(), grantee.uri(), grantee.email_address()) {
        (Some(id), ..) => format!("id:{id}"),
        (None, Some(uri), _) => format!("uri:{uri}"),
        (None, None, email) => format!("email:{}", email?),
    };
    Some(Grant { to, permission: grant.permission()?.as_str().to_owned() })
}

fn sent(grant: &Grant) -> Option<S3Grant> {
    let (kind, who) = grant.to.split_once(':')?;
    let grantee = match kind {
        "id" => Grantee::builder().r#type(Type::CanonicalUser).id(who),
        "uri" => Grantee::builder().r#type(Type::Group).uri(who),
        _ => Grantee::builder().r#type(Type::AmazonCustomerByEmail).email_address(who),
    };
    let permission = Permission::from(grant.permission.as_str());
    Some(S3Grant::builder().grantee(grantee.build().ok()?).permission(permission).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_come_back_as_they_were() {
        for to in ["id:alice$x", "uri:http://acs.amazonaws.com/groups/global/AllUsers", "email:a@b"]
        {
            let grant = Grant { to: to.to_owned(), permission: "READ".to_owned() };
            assert_eq!(noted(&sent(&grant).unwrap()), Some(grant));
        }
    }
}
