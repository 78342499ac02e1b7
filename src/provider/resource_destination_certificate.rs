//! `sapcalm_destination_certificate`: a key store or PEM file that the
//! Destination service keeps, for destinations that name it. The file follows
//! the resource's life: schema, model, validation, plan, create, read, update,
//! delete, import.
//!
//! The file itself is write-only. What was written is recognised by a salted
//! slow hash in private state, as secrets of destinations are
//! (`destination_secrets`). Nobody documents whether SAP returns a file byte
//! for byte, so PEM text is compared block by block, and a second hash is kept
//! where SAP tells, right after the upload, something else than was sent: drift
//! is a difference from what SAP told then. Where SAP tells no file, or the same
//! for every file, a new etag is drift. Only where it has no etag either drift
//! cannot be seen.
//!
//! Whether a certificate that is there after a lost answer is ours, its file
//! says; where SAP does not tell that as it was sent, that nothing was there
//! before. That is why create looks first.
//!
//! A certificate has no properties beside its file, so there is nothing to
//! merge: an update replaces it as a whole.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::configured::{Configured, Key, afterwards, client_context, is_over, missing_key};
use super::destination_identity::{self, ImportId, Owner, import_block, replaced_in_place};
use super::destination_plan::identity;
use super::destination_schema::{DEFAULT_LEVEL, INSTANCE_LEVEL, id_of};
use super::destination_secrets::{NoRandomness, Origin, Record, Records};
use super::diagnostics::{Call, failed, failed_advising};
use super::resource_destination::{Timeouts, no_randomness};
use client::{self, CertificateFile, DestinationCertificates, Error, KeyKind, Level};
use framework::diagnostics::{Diagnostic, Diagnostics};
use framework::path::Path;
use framework::plan::{Action, Plan};
use framework::private::Private;
use framework::resource::{
    Context, CreateRequest, Definition, DeleteRequest, ImportRequest, Outcome, ReadRequest,
    Resource, UpdateRequest,
};
use framework::schema::{
    Absent, Attribute, AttributeType, DEFAULT_TIMEOUT, DefaultValue, IdentityAttribute,
    IdentitySchema, Replace, Schema,
};
use framework::sensitive::Sensitive;
use framework::validators::Validator;
use framework::value::Value;

/// Full type name.
const TYPE_NAME: &str = "sapcalm_destination_certificate";

/// `type` of every certificate (SAP's description of the service).
const CERTIFICATE: &str = "CERTIFICATE";

/// A name, for messages.
const EXAMPLE_NAME: &str = "cloud-alm.pem";

/// Longest name. SAP documents 200 characters for destinations and nothing
/// for certificates.
const LONGEST_NAME: usize = 255;

/// Extensions that SAP documents for files in PEM or DER form.
const PEM_EXTENSIONS: [&str; 3] = ["pem", "crt", "cer"];

/// Extensions that SAP documents for key stores.
const KEY_STORE_EXTENSIONS: [&str; 3] = ["p12", "pfx", "jks"];

/// How often an upload is sent when its answer is lost and SAP does not show
/// the file.
const ATTEMPTS: u32 = 3;

/// In private state: the file that was written, or the one an import found.
const CONTENT: &str = "content";

/// In private state: the file as SAP told it right after it was written, where
/// that is another one.
const CONTENT_AT_SAP: &str = "content_at_sap";

/// In private state: what SAP told after the file was written, where that was
/// just what it told before. Either SAP tells nothing else, or the answer was
/// an old one.
const CONTENT_IN_DOUBT: &str = "content_in_doubt";

const COMPUTED_BY_REQUEST: [&str; 3] = ["type", "etag", "validity_end_time"];

// -------------------------------------------------------------------- schema

static DEFINITION: Definition = Definition {
    type_name: TYPE_NAME,
    schema: &SCHEMA,
    identity: &IDENTITY,
    default_timeout: DEFAULT_TIMEOUT,
};

static IDENTITY: IdentitySchema = IdentitySchema::new(
    0,
    &[
        IdentityAttribute {
            name: "subaccount_id",
            required_for_import: false,
            description: "Id of the subaccount. An import that names it fails when the \
                          Destination service key belongs to another one.",
        },
        IdentityAttribute {
            name: "level",
            required_for_import: false,
            description: "`subaccount` (when left out) or `instance`.",
        },
        IdentityAttribute {
            name: "instance_id",
            required_for_import: false,
            description: "Id of the service instance, for the level `instance`.",
        },
        IdentityAttribute {
            name: "name",
            required_for_import: true,
            description: "Name of the certificate.",
        },
    ],
);

static SCHEMA: Schema = Schema::new(
    0,
    "A certificate of the SAP Destination service: a key store or a PEM file that destinations \
        name, for mutual TLS with their token service or target, or as trust store.\n\n\
        The file is write-only: it is sent to SAP and never stored in plan or state. That needs \
        Terraform 1.11. Every plan sees when somebody replaced the file outside Terraform, by \
        the file or by the etag that SAP tells, and, without `content_wo_version`, when the \
        configured file is another one. PEM text is the same file however its lines break.\n\n\
        Give a destination the name by a reference to this resource. Then the certificate is \
        uploaded before the destination and deleted after it.",
    ATTRIBUTES,
);

const TEXTS: AttributeType = AttributeType::String;

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::string(name).describe(description)
}

const ATTRIBUTES: &[Attribute] = &[
    text(
        "name",
        "Name of the certificate, unique on its level, with the extension that says what the \
         file is: `.pem`, `.crt`, `.cer`, `.p12`, `.pfx` or `.jks`.",
    )
    .required()
    .replace(Replace::Always)
    .validate(&[Validator::Custom(
        "At most 255 characters, without `/` and control characters.",
        check_name,
    )]),
    text(
        "level",
        "Where the certificate lives: `subaccount` or `instance` (of the service key). A \
         destination finds certificates of its own level.",
    )
    .default(DefaultValue::String(DEFAULT_LEVEL))
    .replace(Replace::Always)
    .validate(&[Validator::OneOf(&[DEFAULT_LEVEL, INSTANCE_LEVEL])]),
    text(
        "pem_wo",
        "The file as PEM text: certificates, and for mutual TLS also the private key. For an \
         x509 service key that is its `certificate` followed by its `key`.",
    )
    .sensitive()
    .write_only()
    .validate(&[Validator::Custom(
        "PEM text with at least one certificate.",
        check_pem,
    )]),
    text(
        "content_base64_wo",
        "Any file in base64, such as `filebase64(\"client.p12\")` gives it.",
    )
    .sensitive()
    .write_only()
    .conflicts_with(&["pem_wo"])
    .validate(&[Validator::Custom(
        "Base64 of a file that is not empty.",
        check_base64,
    )]),
    Attribute::number("content_wo_version")
        .describe(
            "Any whole number. When it is set, the file is uploaded again only when this number \
             changes, or when somebody replaced the file outside Terraform.",
        )
        .validate(&[Validator::WholeNumber {
            min: 0,
            max: i64::MAX,
        }]),
    Attribute::bool("adopt_existing")
        .when_absent(Absent::Bool(false))
        .describe(
            "Take over a certificate of that name when there is one, instead of failing. Its file \
             becomes what is configured here.",
        ),
    text("id", "`<level>/<name>`, which is also the import id.")
        .computed()
        .keep_prior(),
    text(
        "subaccount_id",
        "Id of the subaccount, as the token of the Destination service key says.",
    )
    .computed()
    .keep_prior(),
    text(
        "instance_id",
        "Id of the service instance, for the level `instance`; else null.",
    )
    .computed()
    .keep_prior(),
    text("type", "What SAP calls this kind of object: `CERTIFICATE`.").computed(),
    text(
        "etag",
        "Version of the certificate at SAP; null where SAP tells none.",
    )
    .computed(),
    text(
        "validity_end_time",
        "When the first certificate in the file expires (RFC 3339, UTC); null for key stores.",
    )
    .computed(),
    Attribute::list("out_of_sync_secrets", &TEXTS)
        .describe(
            "`content` when somebody replaced the file outside Terraform. Planned to become \
             empty: the next apply uploads the configured file again.",
        )
        .computed(),
    Attribute::timeouts(&[
        Attribute::create_timeout(),
        Attribute::read_timeout(),
        Attribute::update_timeout(),
        Attribute::delete_timeout(),
    ]),
];

/// A configuration, plan or state of the resource; names and order follow the
/// schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the schema above describes the attributes of the same names"
)]
pub struct Model {
    pub name: Option<String>,
    pub level: Option<String>,
    pub pem_wo: Option<Sensitive>,
    pub content_base64_wo: Option<Sensitive>,
    pub content_wo_version: Option<i64>,
    pub adopt_existing: Option<bool>,
    pub id: Option<String>,
    pub subaccount_id: Option<String>,
    pub instance_id: Option<String>,
    pub r#type: Option<String>,
    pub etag: Option<String>,
    pub validity_end_time: Option<String>,
    pub out_of_sync_secrets: Option<Vec<String>>,
    pub timeouts: Option<Timeouts>,
}

impl Model {
    /// The configured file.
    fn file(&self) -> Option<CertificateFile> {
        file_of(
            self.pem_wo.as_ref().map(Sensitive::expose),
            self.content_base64_wo.as_ref().map(Sensitive::expose),
        )
    }

    /// The stub of an import, which Read completes; or a plan that was not sure
    /// that SAP has nothing to do.
    fn lacks_answer(&self) -> bool {
        self.r#type.is_none()
    }

    fn has_drifted(&self) -> bool {
        self.out_of_sync_secrets
            .as_ref()
            .is_some_and(|names| !names.is_empty())
    }

    fn without_write_only(mut self) -> Self {
        self.pem_wo = None;
        self.content_base64_wo = None;
        self
    }

    /// The id with its owner.
    fn owned_id(&self) -> String {
        destination_identity::owned_id([&self.subaccount_id, &self.instance_id, &self.id])
    }

    /// Takes in what SAP holds, drift aside.
    fn observe(&mut self, found: &client::DestinationCertificate) {
        self.r#type = Some(found.kind.clone().unwrap_or_else(|| CERTIFICATE.to_owned()));
        self.etag.clone_from(&found.etag);
        if let Some(file) = &found.file {
            self.validity_end_time = end_of(file);
        }
    }
}

fn file_of(pem: Option<&str>, base64: Option<&str>) -> Option<CertificateFile> {
    match (pem, base64) {
        (Some(pem), _) => Some(CertificateFile::from_bytes(pem.as_bytes())),
        (None, Some(base64)) => CertificateFile::from_base64(base64),
        (None, None) => None,
    }
}

/// Remembers a file.
fn record_of(origin: Origin, file: &CertificateFile) -> Result<Record, NoRandomness> {
    Record::new(origin, file.essence().expose_secret())
}

/// Whether this is certainly the remembered file.
fn confirms(record: &Record, file: &CertificateFile) -> bool {
    record.confirms(file.essence().expose_secret())
}

/// Whether this may be the remembered file: nothing says that it is not.
fn may_be(record: &Record, file: &CertificateFile) -> bool {
    record.verifier.matches(file.essence().expose_secret()) != Some(false)
}

fn end_of(file: &CertificateFile) -> Option<String> {
    file.expiry().map(|time| time.to_string())
}

// ---------------------------------------------------------------- validation

fn check_name(value: &Value) -> Result<(), String> {
    let name = value.as_str().unwrap_or_default();
    let length = name.chars().count();
    if length > LONGEST_NAME {
        return Err(format!(
            "This name has {length} characters, and {LONGEST_NAME} are allowed. Shorten it."
        ));
    }
    if matches!(name, "" | "." | "..") || name.contains('/') || name.chars().any(char::is_control) {
        return Err(format!(
            "The name of a certificate is a file name without `/` and control characters, such \
             as `{EXAMPLE_NAME}`."
        ));
    }
    Ok(())
}

/// What would certainly not be read as PEM. Never quotes the text.
fn check_pem(value: &Value) -> Result<(), String> {
    let pem = value.as_str().unwrap_or_default();
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(
            "This is not PEM text with a certificate: it has no line `-----BEGIN \
             CERTIFICATE-----`. For a file that is not text use `content_base64_wo`."
                .to_owned(),
        );
    }
    if pem.contains("\\n") {
        return Err(
            "This PEM text has the two characters `\\n` in the place of line breaks. Take it out \
             of its JSON with `jsondecode`."
                .to_owned(),
        );
    }
    let marks = pem.matches("-----BEGIN ").count();
    let at_line_starts = pem.lines().filter(|line| line.starts_with("-----BEGIN "));
    if marks != at_line_starts.count() {
        return Err(
            "Every part of a PEM text begins on a line of its own. Put a line break between \
             certificate and key, as in `\"${certificate}\\n${key}\"`."
                .to_owned(),
        );
    }
    Ok(())
}

fn check_base64(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    match CertificateFile::from_base64(text) {
        Some(file) if !file.expose_base64().is_empty() => Ok(()),
        _ => Err(
            "This is not the base64 of a file. `filebase64(\"client.p12\")` makes it of a file; \
             for PEM text use `pem_wo`."
                .to_owned(),
        ),
    }
}

/// Rules that look at more than one attribute.
fn rules(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    let is_known = |name: &str| {
        let value = config.get(name);
        !value.is_null() && !value.is_unknown()
    };
    let (pem, base64) = (config.get("pem_wo"), config.get("content_base64_wo"));
    if is_known("content_wo_version") && pem.is_null() && base64.is_null() {
        found.push(
            Diagnostic::error(
                "Version without file",
                "`content_wo_version` says when the file is new, but there is no file. Set \
                 `pem_wo` or `content_base64_wo`, or take `content_wo_version` out.",
            )
            .at(Path::attribute("content_wo_version")),
        );
    }
    if let Some(name) = config.get("name").as_str() {
        found.extend(extension_rules(name, !pem.is_null()));
    }
    found
}

/// The extension says to SAP what the file is.
fn extension_rules(name: &str, is_pem: bool) -> Diagnostics {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_one_of = |known: &[&str]| {
        extension
            .is_some_and(|extension| known.iter().any(|one| one.eq_ignore_ascii_case(extension)))
    };
    let path = Path::attribute("name");
    if is_pem && is_one_of(&KEY_STORE_EXTENSIONS) {
        return Diagnostic::error(
            "Name does not fit to the file",
            format!(
                "`{name}` has the extension of a key store, and `pem_wo` is PEM text. Give the \
                 name the extension `.pem`, or give the key store in `content_base64_wo`."
            ),
        )
        .at(path)
        .into();
    }
    if !is_one_of(&PEM_EXTENSIONS) && !is_one_of(&KEY_STORE_EXTENSIONS) {
        return Diagnostic::warning(
            "Unusual certificate name",
            format!(
                "SAP documents the extensions `.{}` for certificates. The service may refuse \
                 `{name}`, or may not know what the file is.",
                PEM_EXTENSIONS
                    .iter()
                    .chain(&KEY_STORE_EXTENSIONS)
                    .copied()
                    .collect::<Vec<_>>()
                    .join("`, `.")
            ),
        )
        .at(path)
        .into();
    }
    Diagnostics::new()
}

// ---------------------------------------------------------------------- plan

/// The file of a configuration that is perhaps not known yet.
enum Content {
    Known(CertificateFile),
    Unknown,
    Missing,
}

impl Content {
    fn of(plan: &Plan) -> Self {
        let (pem, base64) = (plan.config("pem_wo"), plan.config("content_base64_wo"));
        if pem.is_unknown() || base64.is_unknown() {
            return Self::Unknown;
        }
        file_of(pem.as_str(), base64.as_str()).map_or(Self::Missing, Self::Known)
    }
}

fn refine(provider: Option<&Configured>, plan: &mut Plan) {
    if plan.action() == Action::Delete {
        return;
    }
    // What certainly fails is better said before anything is changed.
    if plan.action() == Action::Create
        && provider.is_some_and(|provider| provider.key(KeyKind::Destination) == Key::Absent)
    {
        plan.report(missing_key(KeyKind::Destination));
    }
    identity(plan);
    let content = Content::of(plan);
    let uploads_anew = plan.action() == Action::Create || plan.replaces();
    if uploads_anew && matches!(content, Content::Missing) {
        plan.report(no_file());
    }
    let sends = uploads_anew || sends(&content, plan);
    for name in COMPUTED_BY_REQUEST {
        if sends {
            plan.set(name, Value::Unknown);
        } else {
            plan.keep_prior(name);
        }
    }
    plan.set("out_of_sync_secrets", Value::List(Vec::new()));
}

/// Whether an update will look at SAP, and perhaps send the file.
fn sends(content: &Content, plan: &Plan) -> bool {
    let drifted = match plan.prior("out_of_sync_secrets") {
        Value::List(names) => !names.is_empty(),
        _ => false,
    };
    if drifted || plan.changes("content_wo_version") {
        return true;
    }
    let records = Records::load(&plan.private);
    let has_version = !plan.config("content_wo_version").is_null();
    match content {
        Content::Missing => false,
        _ if has_version => !records.is_ours(CONTENT),
        Content::Unknown => true,
        Content::Known(file) => !records
            .get(CONTENT)
            .is_some_and(|record| confirms(record, file)),
    }
}

fn no_file() -> Diagnostic {
    Diagnostic::error(
        "Missing file",
        "A new certificate needs its file. Set `pem_wo` (PEM text) or `content_base64_wo` (any \
         file in base64).",
    )
    .at(Path::attribute("pem_wo"))
}

// ------------------------------------------------------------------ the life

/// The resource `sapcalm_destination_certificate`.
#[derive(Debug)]
pub struct DestinationCertificate;

impl Resource for DestinationCertificate {
    type Provider = Configured;
    type Model = Model;

    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        rules(config)
    }

    fn plan(&self, provider: Option<&Configured>, plan: &mut Plan) {
        refine(provider, plan);
    }

    async fn create(
        &self,
        provider: &Configured,
        context: &Context,
        request: CreateRequest<Model>,
    ) -> Outcome<Model> {
        let site = match Site::of(provider, &request.planned, client_context(context)) {
            Ok(site) => site,
            Err(problem) => return Outcome::failed(problem),
        };
        let _turn = provider.turn(TYPE_NAME, &site.id()).await;
        let created = site.create(&request.config, request.planned).await;
        created.unwrap_or_else(Outcome::failed)
    }

    async fn read(
        &self,
        provider: &Configured,
        context: &Context,
        request: ReadRequest<Model>,
    ) -> Outcome<Model> {
        let ReadRequest { state, private } = request;
        if provider.key(KeyKind::Destination) == Key::Unknown && !state.lacks_answer() {
            let warning = provider.unknown_key_warning(
                KeyKind::Destination,
                "The certificate was not looked at; the plan is made from its last known state.",
            );
            return Outcome::saved(state, private).with(warning);
        }
        match Site::of(provider, &state, client_context(context)) {
            Ok(site) => site.read(state, private).await,
            Err(problem) => Outcome::failed(problem),
        }
    }

    async fn update(
        &self,
        provider: &Configured,
        context: &Context,
        request: UpdateRequest<Model>,
    ) -> Outcome<Model> {
        if !request.planned.lacks_answer() {
            // Only switches or timeouts change.
            return Outcome::saved(request.planned.without_write_only(), request.private);
        }
        let site = match Site::of(provider, &request.prior, client_context(context)) {
            Ok(site) => site,
            Err(problem) => return Outcome::failed(problem),
        };
        let updated = site.update(request).await;
        updated.unwrap_or_else(Outcome::failed)
    }

    async fn delete(
        &self,
        provider: &Configured,
        context: &Context,
        request: DeleteRequest<Model>,
    ) -> Outcome<Model> {
        let prior = &request.prior;
        let site = match Site::of(provider, prior, client_context(context)) {
            Ok(site) => site,
            Err(problem) => return Outcome::failed(problem),
        };
        let _turn = provider.turn(TYPE_NAME, &site.id()).await;
        if provider.was_created_here(TYPE_NAME, &prior.owned_id()) {
            let reason = replaced_in_place(&format!("certificate `{}`", site.id()));
            return Outcome::gone().with(Diagnostic::warning("Certificate not deleted", reason));
        }
        site.delete(prior).await
    }

    fn import(&self, request: ImportRequest) -> Result<Model, Diagnostics> {
        let object = match request {
            ImportRequest::Id(id) => ImportId::of_text(&id, "certificate", EXAMPLE_NAME)?,
            ImportRequest::Identity(identity) => {
                ImportId::of_identity(&identity, "certificate", EXAMPLE_NAME)?
            }
        };
        Ok(Model {
            id: Some(id_of(object.level.as_str(), &object.name)),
            name: Some(object.name),
            level: Some(object.level.to_string()),
            subaccount_id: object.subaccount_id,
            instance_id: object.instance_id,
            ..Model::default()
        })
    }

    fn identity(&self, state: &Model) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("subaccount_id", state.subaccount_id.clone()),
            ("level", state.level.clone()),
            ("instance_id", state.instance_id.clone()),
            ("name", state.name.clone()),
        ]
    }
}

/// One certificate of one service, as one operation sees it.
struct Site<'a> {
    provider: &'a Configured,
    service: DestinationCertificates<'a>,
    context: client::Context,
    level: Level,
    name: String,
}

/// What an upload left at SAP.
struct Uploaded {
    /// Nothing when it could not be read back.
    found: Option<client::DestinationCertificate>,
    /// What the upload replaced.
    before: Option<client::DestinationCertificate>,
    warnings: Diagnostics,
}

type Found = Result<Option<client::DestinationCertificate>, Error>;

impl<'a> Site<'a> {
    fn of(
        provider: &'a Configured,
        model: &Model,
        context: client::Context,
    ) -> Result<Self, Diagnostic> {
        let level = model.level.as_deref().and_then(Level::from_name);
        Ok(Self {
            provider,
            service: provider.require_certificates()?,
            context,
            level: level.unwrap_or(Level::Subaccount),
            name: model.name.clone().unwrap_or_default(),
        })
    }

    /// `<level>/<name>`.
    fn id(&self) -> String {
        id_of(self.level.as_str(), &self.name)
    }

    async fn owner(&self, call: Call, state: &Model) -> Result<Owner, Diagnostic> {
        let token = self.service.token(&self.context).await;
        let token = token.map_err(|error| failed(call, &error))?;
        destination_identity::check_owner(
            self.provider,
            token.claims(),
            self.level,
            &format!("certificate `{}`", self.id()),
            [&state.subaccount_id, &state.instance_id],
        )
    }

    async fn find(&self, context: &client::Context) -> Found {
        self.service.find(context, self.level, &self.name).await
    }

    /// What SAP holds, also when the operation itself is over.
    async fn find_afterwards(&self) -> Found {
        self.find(&afterwards(&self.context)).await
    }

    // ---- create ----

    async fn create(&self, config: &Model, planned: Model) -> Result<Outcome<Model>, Diagnostic> {
        let file = config.file().ok_or_else(no_file)?;
        // Before anything is uploaded: this can fail.
        let ours = record_of(Origin::Configuration, &file);
        let ours = ours.map_err(|NoRandomness| no_randomness())?;
        let owner = self
            .owner(Call::CreateCertificate, &Model::default())
            .await?;
        let mut model = planned.without_write_only();
        model.id = Some(self.id());
        model.subaccount_id = owner.subaccount_id;
        model.instance_id = owner.instance_id;
        let adopt = config.adopt_existing == Some(true);
        let uploaded = self.upload(&file, &model.owned_id(), adopt).await?;

        // From here on the object exists.
        let mut private = Private::default();
        settle(&mut model, &mut private, &file, ours, &uploaded);
        self.provider.remember_created(TYPE_NAME, &model.owned_id());
        Ok(Outcome::saved(model, private)
            .with(owner.diagnostics)
            .with(uploaded.warnings))
    }

    /// The create call, repeated where that is safe. `id` is the one with its
    /// owner.
    async fn upload(
        &self,
        file: &CertificateFile,
        id: &str,
        adopt: bool,
    ) -> Result<Uploaded, Diagnostic> {
        // Decides after a lost answer, where the file does not.
        let was_absent = matches!(self.find(&self.context).await, Ok(None));
        let mut is_lost = false;
        let mut attempt = 1;
        loop {
            let created = self
                .service
                .create(&self.context, self.level, &self.name, file);
            let Err(error) = created.await else {
                return Ok(self.read_back(None).await);
            };
            is_lost |= error.may_have_been_processed();
            if !error.is_conflict() && !error.may_have_been_processed() {
                return Err(failed(Call::CreateCertificate, &error));
            }
            match self.find_afterwards().await {
                Ok(Some(_)) if self.provider.was_created_here(TYPE_NAME, id) => {
                    return Err(self.exists(&error, "Another resource of this run made it."));
                }
                Ok(Some(found)) if holds(&found, file) => {
                    return Ok(self.taken_over(&error, found, HOLDS_FILE));
                }
                Ok(Some(found))
                    if was_absent && is_lost && !certainly_holds_other(&found, file) =>
                {
                    return Ok(self.taken_over(&error, found, WAS_ABSENT));
                }
                Ok(Some(found)) if adopt => {
                    self.replace(Call::UpdateCertificate, file).await?;
                    let mut uploaded = self.read_back(Some(found)).await;
                    uploaded.warnings.push(self.adopted());
                    return Ok(uploaded);
                }
                Ok(Some(found)) if certainly_holds_other(&found, file) => {
                    return Err(self.exists(&error, OTHER_FILE));
                }
                Ok(Some(_)) => return Err(self.exists(&error, NOT_COMPARABLE)),
                Ok(None)
                    if error.is_conflict() || attempt == ATTEMPTS || is_over(&self.context) =>
                {
                    return Err(failed(Call::CreateCertificate, &error));
                }
                Ok(None) => attempt += 1,
                Err(_) if error.is_conflict() => {
                    return Err(self.exists(&error, "It could not be read."));
                }
                Err(_) => return Err(self.undecided(&error)),
            }
        }
    }

    /// What SAP holds after a successful upload, which tells nothing itself. A
    /// failure of that is no failure.
    async fn read_back(&self, before: Option<client::DestinationCertificate>) -> Uploaded {
        let (found, reason) = match self.find_afterwards().await {
            Ok(Some(found)) => (Some(found), None),
            Ok(None) => (None, Some("The service does not show it yet.".to_owned())),
            Err(error) => (None, Some(format!("Reading it back failed: {error}."))),
        };
        let warnings = match reason {
            None => Diagnostics::new(),
            Some(reason) => Diagnostic::warning(
                "Certificate uploaded without metadata",
                format!(
                    "The certificate `{}` was uploaded, but its etag is not known. {reason} The \
                     next plan or apply fills it in.",
                    self.id()
                ),
            )
            .into(),
        };
        Uploaded {
            found,
            before,
            warnings,
        }
    }

    /// `why` says why it is ours.
    fn taken_over(
        &self,
        error: &Error,
        found: client::DestinationCertificate,
        why: &str,
    ) -> Uploaded {
        let reason = if error.is_conflict() {
            "SAP said that the certificate exists already"
        } else {
            "The answer to the upload was lost"
        };
        let warning = Diagnostic::warning(
            "Existing certificate taken over",
            format!(
                "{reason}. The certificate `{}` {why}: it is taken for the one that was to be \
                 created, most likely by an earlier attempt. If another resource or \
                 configuration manages it, remove one of the two.",
                self.id()
            ),
        );
        Uploaded {
            found: Some(found),
            before: None,
            warnings: warning.into(),
        }
    }

    fn adopted(&self) -> Diagnostic {
        Diagnostic::warning(
            "Existing certificate taken over",
            format!(
                "The certificate `{}` existed already. `adopt_existing` is set, so it was taken \
                 over, and its file was replaced by the configured one.",
                self.id()
            ),
        )
    }

    /// `why` is the sentence that says why it is not taken over.
    fn exists(&self, error: &Error, why: &str) -> Diagnostic {
        let id = self.id();
        let advice = format!(
            "A certificate `{id}` exists already. {why} To manage the existing one, import it \
             (put the name of this resource in):\n\n{}\n\n\
             or set `adopt_existing = true`, which replaces its file. Otherwise choose another \
             `name`.",
            import_block(TYPE_NAME, &id),
        );
        failed_advising(Call::CreateCertificate, error, advice).at(Path::attribute("name"))
    }

    fn undecided(&self, error: &Error) -> Diagnostic {
        let advice = format!(
            "It is not known whether SAP created the certificate `{}`: the answer was lost, and \
             it could not be read back. Nothing was saved. The next apply finds out: it takes \
             over a certificate that holds exactly the configured file. Where SAP does not tell \
             the file, import the certificate, or set `adopt_existing = true`.",
            self.id()
        );
        failed_advising(Call::CreateCertificate, error, advice)
    }

    // ---- read ----

    async fn read(&self, mut state: Model, mut private: Private) -> Outcome<Model> {
        let owner = match self.owner(Call::ReadCertificate, &state).await {
            Ok(owner) => owner,
            Err(problem) => return Outcome::failed(problem),
        };
        let found = match self.find(&self.context).await {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::gone().with(owner.diagnostics),
            Err(error) => return Outcome::failed(failed(Call::ReadCertificate, &error)),
        };
        let mut records = Records::load(&private);
        if look(&mut state, &found, &mut records).is_err() {
            return Outcome::failed(no_randomness());
        }
        state.subaccount_id = state.subaccount_id.or(owner.subaccount_id);
        state.instance_id = state.instance_id.or(owner.instance_id);
        records.store(&mut private);
        Outcome::saved(state, private).with(owner.diagnostics)
    }

    // ---- update ----

    async fn update(&self, request: UpdateRequest<Model>) -> Result<Outcome<Model>, Diagnostic> {
        let UpdateRequest {
            config,
            planned,
            prior,
            mut private,
        } = request;
        let owner = self.owner(Call::UpdateCertificate, &prior).await?;
        let found = self.find(&self.context).await;
        let found = found.map_err(|error| failed(Call::UpdateCertificate, &error))?;
        let found = found.ok_or_else(|| self.gone())?;
        let mut model = planned.without_write_only();
        let mut records = Records::load(&private);

        let version = config.content_wo_version;
        let is_written = version.is_some()
            && version == prior.content_wo_version
            && records.is_ours(CONTENT)
            && !prior.has_drifted();
        let file = match config.file() {
            Some(file) if !is_written => file,
            configured => {
                // Nothing to write: no file is configured, or not a new one.
                if configured.is_none() {
                    forget(&found, &mut records).map_err(|NoRandomness| no_randomness())?;
                }
                model.observe(&found);
                model.out_of_sync_secrets = Some(Vec::new());
                records.store(&mut private);
                return Ok(Outcome::saved(model, private).with(owner.diagnostics));
            }
        };
        let ours = match records.get(CONTENT) {
            Some(record) if record.is_ours() && confirms(record, &file) => record.clone(),
            _ => record_of(Origin::Configuration, &file).map_err(|NoRandomness| no_randomness())?,
        };
        let uploaded = if holds(&found, &file) {
            Uploaded {
                found: Some(found),
                before: None,
                warnings: Diagnostics::new(),
            }
        } else {
            self.replace(Call::UpdateCertificate, &file).await?;
            self.read_back(Some(found)).await
        };
        settle(&mut model, &mut private, &file, ours, &uploaded);
        Ok(Outcome::saved(model, private)
            .with(owner.diagnostics)
            .with(uploaded.warnings))
    }

    /// Replaces the file. That the answer was lost does not matter
    /// where SAP tells the file; where it does not, the file is sent again.
    async fn replace(&self, call: Call, file: &CertificateFile) -> Result<(), Diagnostic> {
        let mut attempt = 1;
        loop {
            let replaced = self
                .service
                .replace(&self.context, self.level, &self.name, file);
            let Err(error) = replaced.await else {
                return Ok(());
            };
            if !error.may_have_been_processed() {
                return Err(failed(call, &error));
            }
            match self.find_afterwards().await {
                Ok(Some(found)) if holds(&found, file) => return Ok(()),
                Ok(Some(_)) if attempt < ATTEMPTS && !is_over(&self.context) => attempt += 1,
                _ => return Err(failed(call, &error)),
            }
        }
    }

    fn gone(&self) -> Diagnostic {
        Diagnostic::error(
            Call::UpdateCertificate.summary(),
            format!(
                "The certificate `{}` was deleted outside Terraform since the plan was made. Plan \
                 again: it will be uploaded anew.",
                self.id()
            ),
        )
    }

    // ---- delete ----

    async fn delete(&self, prior: &Model) -> Outcome<Model> {
        let owner = match self.owner(Call::DeleteCertificate, prior).await {
            Ok(owner) => owner,
            Err(problem) => return Outcome::failed(problem),
        };
        let deleted = self
            .service
            .delete(&self.context, self.level, &self.name)
            .await;
        let Err(error) = deleted else {
            return Outcome::gone().with(owner.diagnostics);
        };
        if error.may_have_been_processed() && matches!(self.find_afterwards().await, Ok(None)) {
            return Outcome::gone().with(owner.diagnostics);
        }
        Outcome::failed(failed(Call::DeleteCertificate, &error))
    }
}

const HOLDS_FILE: &str = "holds exactly the configured file";

const WAS_ABSENT: &str = "was not there before, and SAP does not tell its file as it was sent";

const OTHER_FILE: &str = "Its file is not the one that is configured here.";

const NOT_COMPARABLE: &str = "Its file cannot be compared with the one that is configured here: \
    SAP does not tell it, or perhaps in another form than it was sent. It may be yours, from an \
    earlier attempt.";

/// Whether SAP tells exactly this file.
fn holds(found: &client::DestinationCertificate, file: &CertificateFile) -> bool {
    found.file.as_ref() == Some(file)
}

/// Whether SAP tells another file, and not just another form of this one.
fn certainly_holds_other(found: &client::DestinationCertificate, file: &CertificateFile) -> bool {
    let told = found.file.as_ref();
    told.is_some_and(|told| told.certainly_differs_from(file))
}

/// Takes into state and private state that SAP holds the configured file.
fn settle(
    model: &mut Model,
    private: &mut Private,
    file: &CertificateFile,
    ours: Record,
    uploaded: &Uploaded,
) {
    model.r#type = Some(CERTIFICATE.to_owned());
    model.etag = None;
    model.validity_end_time = end_of(file);
    model.out_of_sync_secrets = Some(Vec::new());
    let earlier = Records::load(private);
    let mut records = Records::default();
    records.insert(CONTENT, ours);
    if let Some(found) = &uploaded.found {
        let other = found.file.as_ref().filter(|told| *told != file);
        let doubt = earlier.get(CONTENT_IN_DOUBT);
        // Told again by the next apply, it is no old answer.
        let is_constant = || {
            let pair = doubt.zip(other);
            pair.is_some_and(|(record, told)| confirms(record, told))
        };
        let in_doubt = is_as_before(found, uploaded, file) && !is_constant();
        let key = if in_doubt {
            CONTENT_IN_DOUBT
        } else {
            model.observe(found);
            CONTENT_AT_SAP
        };
        // Without its hash the file counts as replaced, once.
        if let Some(told) = other
            && let Ok(record) = record_of(Origin::Sap, told)
        {
            records.insert(key, record);
        }
    }
    records.store(private);
}

/// Whether SAP tells, after the upload of another file, just what it told
/// before. Then nothing of it is taken for the new one.
fn is_as_before(
    found: &client::DestinationCertificate,
    uploaded: &Uploaded,
    file: &CertificateFile,
) -> bool {
    let is_same = |before: &client::DestinationCertificate| {
        before.file == found.file && before.etag == found.etag
    };
    uploaded.before.as_ref().is_some_and(is_same) && !holds(found, file)
}

/// Takes what SAP holds into the state, and finds out whether somebody
/// replaced the file.
fn look(
    state: &mut Model,
    found: &client::DestinationCertificate,
    records: &mut Records,
) -> Result<(), NoRandomness> {
    let is_import = state.lacks_answer();
    let is_unchanged = !is_import && found.etag.is_some() && found.etag == state.etag;
    let drifted = if is_unchanged {
        state.has_drifted()
    } else if records.is_ours(CONTENT) {
        is_replaced(state, found, records)
    } else {
        // Nobody uploaded this through us, so it is no drift; but the plan must
        // compare with what is there now.
        let known = records.get(CONTENT);
        let is_same = |file: &CertificateFile| known.is_some_and(|record| may_be(record, file));
        if !found.file.as_ref().is_some_and(is_same) {
            forget(found, records)?;
        }
        false
    };
    state.observe(found);
    state.out_of_sync_secrets = Some(if drifted {
        vec![CONTENT.to_owned()]
    } else {
        Vec::new()
    });
    Ok(())
}

/// Whether somebody replaced the file that we uploaded.
fn is_replaced(state: &Model, found: &client::DestinationCertificate, records: &Records) -> bool {
    let etags = state.etag.as_ref().zip(found.etag.as_ref());
    let has_new_etag = etags.is_some_and(|(known, told)| known != told);
    let Some(file) = &found.file else {
        return has_new_etag || state.has_drifted();
    };
    let is = |key: &str| records.get(key).is_some_and(|record| may_be(record, file));
    // What SAP told after the upload may be what it tells of every file.
    !is(CONTENT) && (has_new_etag || !is(CONTENT_AT_SAP))
}

/// Remembers the file that is there, as one that is not ours.
fn forget(
    found: &client::DestinationCertificate,
    records: &mut Records,
) -> Result<(), NoRandomness> {
    *records = Records::default();
    if let Some(file) = &found.file {
        records.insert(CONTENT, record_of(Origin::Sap, file)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use framework::diagnostics::Severity;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";

    fn config(entries: &[(&str, Value)]) -> Value {
        let attributes = SCHEMA.attributes.iter();
        let mut all: std::collections::BTreeMap<String, Value> = attributes
            .map(|attribute| (attribute.name.to_owned(), Value::Null))
            .collect();
        for (name, value) in entries {
            assert!(all.insert((*name).to_owned(), value.clone()).is_some());
        }
        Value::Object(all)
    }

    /// `E summary @ path` per message.
    fn messages(entries: &[(&str, Value)]) -> Vec<String> {
        let found = rules(&config(entries));
        let message = |one: &Diagnostic| {
            let letter = match one.severity {
                Severity::Error => 'E',
                Severity::Warning => 'W',
            };
            let path = one.path.as_ref().map(ToString::to_string);
            format!("{letter} {} @ {}", one.summary, path.unwrap_or_default())
        };
        found.iter().map(message).collect()
    }

    #[test]
    fn a_version_needs_a_file() {
        let name = ("name", Value::string("a.pem"));
        let pem = ("pem_wo", Value::string(PEM));
        let version = ("content_wo_version", Value::Number(1_i64.into()));
        let none: [String; 0] = [];
        assert_eq!(messages(&[name.clone(), pem, version.clone()]), none);
        assert_eq!(
            messages(std::slice::from_ref(&name)),
            none,
            "an imported one needs no file"
        );
        assert_eq!(
            messages(&[name.clone(), version.clone()]),
            ["E Version without file @ content_wo_version"]
        );
        assert_eq!(messages(&[name, version, ("pem_wo", Value::Unknown)]), none);
    }

    #[test]
    fn the_extension_fits_to_the_file() {
        let check = |name: &str, attribute| {
            messages(&[("name", Value::string(name)), (attribute, Value::Unknown)])
        };
        for name in ["a.pem", "a.CRT", "a b (1).cer"] {
            assert!(check(name, "pem_wo").is_empty(), "{name}");
        }
        for name in ["a.p12", "a.pfx", "a.jks", "a.pem"] {
            assert!(check(name, "content_base64_wo").is_empty(), "{name}");
        }
        assert_eq!(
            check("a.p12", "pem_wo"),
            ["E Name does not fit to the file @ name"]
        );
        for name in ["a", "a.txt"] {
            assert_eq!(check(name, "pem_wo"), ["W Unusual certificate name @ name"]);
        }
    }

    #[test]
    fn pem_that_would_not_be_read_is_refused_without_quoting_it() {
        let check = |text: &str| check_pem(&Value::string(text));
        let key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
        assert!(check(&format!("{PEM}{key}")).is_ok());
        let joined = format!("{}{key}", PEM.trim_end());
        let escaped = PEM.replace('\n', "\\n");
        for wrong in ["", "canary", key, &joined, &escaped] {
            let message = check(wrong).unwrap_err();
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn what_is_told_of_every_file_and_without_etag_is_believed_at_the_second_time() {
        let file = CertificateFile::from_bytes(b"new");
        let told = client::DestinationCertificate {
            name: "a.p12".to_owned(),
            kind: None,
            file: Some(CertificateFile::from_bytes(b"***")),
            etag: None,
        };
        let mut private = Private::default();
        let mut drifts = || {
            let uploaded = Uploaded {
                found: Some(told.clone()),
                before: Some(told.clone()),
                warnings: Diagnostics::new(),
            };
            let ours = record_of(Origin::Configuration, &file).unwrap();
            let mut model = Model::default();
            settle(&mut model, &mut private, &file, ours, &uploaded);
            look(&mut model, &told, &mut Records::load(&private)).unwrap();
            model.has_drifted()
        };
        assert_eq!([drifts(), drifts()], [true, false]);
    }

    #[test]
    fn base64_of_nothing_is_no_file() {
        let check = |text: &str| check_base64(&Value::string(text));
        assert!(check("YQ==").is_ok() && check("Y\nQ").is_ok());
        assert!(check("").is_err() && check(PEM).is_err());
    }

    #[test]
    fn names_that_cannot_be_sent_are_refused() {
        let check = |name: &str| check_name(&Value::string(name));
        assert!(check("cloud alm (1).p12").is_ok());
        for wrong in ["", ".", "..", "a/b.pem", "a\n.pem", &"a".repeat(256)] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
