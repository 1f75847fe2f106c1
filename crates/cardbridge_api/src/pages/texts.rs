//! The texts of the pages, in both languages.

use domain::{GuidanceType, PageLanguage};

/// Declares every text of the pages, in English and in Chinese.
///
/// ```text
/// texts! {
///     copy: "Copy", "复制";
/// }
/// ```
macro_rules! texts {
    ($($text:ident: $english:literal, $chinese:literal;)+) => {
        /// The texts of the pages, in one language.
        pub(crate) struct Texts {
            $(pub(crate) $text: &'static str,)+
        }

        static EN: Texts = Texts { $($text: $english,)+ };
        static ZH: Texts = Texts { $($text: $chinese,)+ };
    };
}

texts! {
    card_title: "Your card", "您的卡片";
    pan: "Card number", "卡号";
    expiry: "Valid thru", "有效期";
    cvv2: "CVV", "安全码";
    copy: "Copy", "复制";
    copied: "Copied", "已复制";
    shown_once: "This page is shown once. Close it when you are done.", "本页面仅显示一次，查看完毕请关闭。";
    set_pin_title: "Set your PIN", "设置密码";
    reset_pin_title: "Change your PIN", "重置密码";
    new_pin: "New PIN", "新密码";
    repeat_pin: "Repeat new PIN", "再次输入新密码";
    pin_hint: "Four digits that only you know.", "四位数字，请勿告诉他人。";
    pin_malformed: "A PIN is four digits.", "密码必须为四位数字。";
    pins_differ: "The PINs do not match.", "两次输入的密码不一致。";
    pin_done: "Your PIN is set.", "密码已设置。";
    face_title: "Face verification", "人脸验证";
    kyc_title: "About you", "个人信息";
    face_sandbox:
        "The sandbox does not compare faces. Choose the result.",
        "沙盒环境不进行人脸比对，请选择比对结果。";
    face_match: "The face matches", "人脸一致";
    face_other: "The face does not match", "人脸不一致";
    face_done: "Your face is verified.", "人脸验证已通过。";
    kyc_done: "Your details have been submitted.", "资料已提交。";
    kyc_incomplete: "Some details are missing or invalid.", "资料不完整或有误。";
    document: "Identity document", "证件类型";
    document_reference: "Document reference (object key of the upload)", "证件文件编号（上传后的 objectKey）";
    document_country: "Issuing country (two or three letters)", "签发国家（两位或三位字母）";
    employment: "Employment", "就业状况";
    employer: "Employer", "雇主名称";
    industry: "Industry", "所属行业";
    occupation: "Occupation", "职业";
    seniority: "Position", "职位";
    purpose: "What the card is for", "开卡用途";
    funds: "Source of funds", "资金来源";
    funds_country: "Country of the funds", "资金来源国家";
    wealth: "Source of wealth", "财富来源";
    otp_title: "Verify your identity", "验证身份";
    otp_sent_to: "We sent a six-digit code to", "六位验证码已发送至";
    otp_code: "Code", "验证码";
    otp_wrong: "Incorrect code. Try again.", "验证码错误，请重试。";
    otp_subject: "Your verification code", "您的验证码";
    otp_mail: "Your verification code is", "您的验证码是";
    otp_mail_end: "It is valid for 5 minutes. Do not share it with anyone.", "5 分钟内有效，请勿告诉他人。";
    question: "No code? Use your card details", "收不到验证码？用卡片信息验证";
    question_hint: "You can find both on the card or in its app.", "请查看卡片或所属应用中的卡片信息。";
    question_last4: "Last four digits of the card number", "卡号后四位";
    question_expiry: "Valid thru (MM/YY)", "有效期（月/年）";
    question_wrong: "These details do not match the card. Try again.", "与卡片信息不符，请重试。";
    submit: "Confirm", "确认";
    close: "Close", "关闭";
    closed: "Closed", "已关闭";
    closed_why: "You can close this window now.", "您现在可以关闭此窗口。";
    proceed: "Continue", "继续";
    done: "Done", "完成";
    page_error: "Error", "错误";
    failed: "Something went wrong", "系统异常";
    failed_why: "Please request a new link.", "请重新获取链接。";
    too_many_why: "Too many codes were sent. Please try again in a minute.", "验证码发送过多，请一分钟后重试。";
    expired: "This page has expired", "页面已过期";
    expired_why:
        "It was open too long, or was already submitted. Please request a new link.",
        "等待时间过长或已提交，请重新获取链接。";
    refused: "Not possible", "无法操作";
    refused_why:
        "We could not verify you, or the card's current status does not allow this.",
        "身份未通过验证，或卡片当前状态不支持此操作。";
    not_found: "Page Not Found", "页面不存在 (Page Not Found)";
    not_found_why:
        "A link opens only once, within five minutes, and only in the app that requested it.",
        "链接只能打开一次，五分钟内有效，且只能在申请它的应用中打开。";
}

impl Texts {
    /// The texts of a language.
    pub(crate) const fn of(language: PageLanguage) -> &'static Self {
        match language {
            PageLanguage::En => &EN,
            PageLanguage::Zh => &ZH,
        }
    }

    /// The heading of a page.
    pub(crate) const fn title(&self, guidance_type: GuidanceType) -> &'static str {
        match guidance_type {
            GuidanceType::ShowCard => self.card_title,
            GuidanceType::SetPin => self.set_pin_title,
            GuidanceType::ResetPin => self.reset_pin_title,
            GuidanceType::FaceCheck => self.face_title,
            GuidanceType::KycForm => self.kyc_title,
        }
    }
}
