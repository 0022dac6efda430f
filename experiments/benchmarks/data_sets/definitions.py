"""The data sets, each as the README beside its file argues: what was known, what leaks, how it is split."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.benchmarks.data_sets import berka
from experiments.benchmarks.data_sets.spec import DataSet, Hashed, Since, Target, Years, published, read_cells

LATER = "Known only after the decision."
BY_THE_LENDER = "Set by the lender after looking at the application."
CONSTANT = "The same in every row."
RELIEF = Target(
    "Company response to consumer",
    bad=("Closed with monetary relief", "Closed with non-monetary relief"),
    good=("Closed with explanation", "Closed", "Untimely response"),
)
COMPLAINT = "Consumer complaint narrative"
SAS_EPOCH = "1960-01-01"


def _complaints(source: Path) -> pd.DataFrame:
    """The complaints that have a narrative."""
    rows = read_cells(source / "complaints" / "complaints.csv.gz")
    return rows[rows[COMPLAINT].str.strip() != ""].reset_index(drop=True)


def _sba_loans(source: Path) -> pd.DataFrame:
    """The loans with their day of approval as an ISO date, which the file counts from 1960."""
    rows = read_cells(source / "sba_loans" / "sba_loans.csv.gz")
    days = pd.to_timedelta(rows["ApprovalDate"].astype(int), unit="D")
    return rows.assign(approved=(pd.Timestamp(SAS_EPOCH) + days).dt.strftime("%Y-%m-%d").astype(object))


def _lending_club_raw(source: Path) -> pd.DataFrame:
    """The loans that are plainly decided."""
    rows = read_cells(source / "lending_club_raw_sample" / "lending_club_raw_sample.csv.gz")
    return rows[rows["loan_status"].isin(["Charged Off", "Fully Paid"])].reset_index(drop=True)


LENDING_CLUB = DataSet(
    name="lending_club",
    title="Consumer loans with what borrowers wrote",
    rows=published("lending_club", "applications"),
    id="id",
    split=Since("issue_d", "%Y-%m-%d", "2011-01-01"),
    shipped="lending_club",
)

LENDING_CLUB_RAW = DataSet(
    name="lending_club_raw_sample",
    title="Consumer loans, many columns, few rows",
    rows=_lending_club_raw,
    id="id",
    target=Target("loan_status", bad=("Charged Off",), good=("Fully Paid",)),
    split=Since("issue_d", "%b-%Y", "2016-01-01"),
    decided=("issue_d", "%b-%Y"),
    numbers=(
        *("loan_amnt", "annual_inc", "dti", "delinq_2yrs", "fico_range_low", "inq_last_6mths"),
        *("mths_since_last_delinq", "mths_since_last_record", "open_acc", "pub_rec", "revol_bal", "revol_util"),
        *("total_acc", "collections_12_mths_ex_med", "acc_now_delinq", "acc_open_past_24mths", "avg_cur_bal"),
        *("bc_open_to_buy", "bc_util", "chargeoff_within_12_mths", "delinq_amnt", "mo_sin_old_il_acct"),
        *("mo_sin_old_rev_tl_op", "mo_sin_rcnt_rev_tl_op", "mo_sin_rcnt_tl", "mort_acc", "mths_since_recent_bc"),
        *("mths_since_recent_bc_dlq", "mths_since_recent_inq", "mths_since_recent_revol_delinq"),
        *("num_accts_ever_120_pd", "num_actv_bc_tl", "num_actv_rev_tl", "num_bc_sats", "num_bc_tl", "num_il_tl"),
        *("num_op_rev_tl", "num_rev_accts", "num_rev_tl_bal_gt_0", "num_sats", "num_tl_120dpd_2m", "num_tl_30dpd"),
        *("num_tl_90g_dpd_24m", "num_tl_op_past_12m", "pct_tl_nvr_dlq", "percent_bc_gt_75"),
        *("pub_rec_bankruptcies", "tax_liens", "tot_hi_cred_lim", "total_bal_ex_mort", "total_bc_limit"),
        "total_il_high_credit_limit",
    ),
    categories=("term", "emp_length", "home_ownership", "verification_status", "purpose", "addr_state"),
    narratives=("desc", "title"),
    labels=("emp_title",),
    years=(Years("credit_history_years", "earliest_cr_line", "%b-%Y", "issue_d"),),
    left_out={
        BY_THE_LENDER: (
            *("grade", "sub_grade", "int_rate", "installment", "funded_amnt", "funded_amnt_inv"),
            "initial_list_status",
        ),
        "A close proxy for protected traits.": ("zip_code",),
    },
)

TAIWAN = DataSet(
    name="taiwan_default",
    title="Card clients of a bank in Taiwan",
    rows=published("taiwan_default"),
    id="ID",
    target=Target("default.payment.next.month", bad=("1",), good=("0",)),
    split=Hashed("ID"),
    numbers=(
        "LIMIT_BAL",
        *("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"),  # codes, but ordered
        *(f"BILL_AMT{month}" for month in range(1, 7)),
        *(f"PAY_AMT{month}" for month in range(1, 7)),
    ),
    categories=("EDUCATION",),
    protected=("SEX", "AGE", "MARRIAGE"),
)

SBA = DataSet(
    name="sba_loans",
    title="Guaranteed loans to Californian real-estate and rental businesses",
    rows=_sba_loans,
    id="LoanNr_ChkDgt",
    target=Target("Default", bad=("1",), good=("0",)),
    split=Since("approved", "%Y-%m-%d", "2006-01-01"),
    decided=("approved", "%Y-%m-%d"),
    numbers=("NoEmp", "CreateJob", "RetainedJob", "GrAppv", "SBA_Appv", "Portion"),
    categories=(
        *("NAICS", "NewExist", "FranchiseCode", "UrbanRural", "RevLineCr", "LowDoc", "BankState", "Bank", "City"),
    ),
    labels=("Name",),
    left_out={
        LATER: (
            *("MIS_Status", "ChgOffDate", "ChgOffPrinGr", "DisbursementDate", "DisbursementGross", "xx"),
            "Recession",
        ),
        "Loans that failed seem to carry the months until then; RealEstate is 1 where Term is 240 or more.": (
            *("Term", "daysterm", "RealEstate"),
        ),
        CONSTANT: ("State", "BalanceGross"),
        "Another column says it: the day of approval, NewExist, City; or the split of an article.": (
            *("ApprovalDate", "ApprovalFY", "New", "Zip", "Selected"),
        ),
    },
)

HELOC = DataSet(
    name="heloc",
    title="Applicants for a home-equity line, bureau columns",
    rows=published("heloc"),
    id="id",
    target=Target("RiskPerformance", bad=("Bad",), good=("Good",)),
    split=Hashed("id"),
    # -9, -8 and -7 mean no record, no usable line and condition not met: three states that stay apart as numbers,
    # where a missing cell would be one.
    numbers=(
        *("ExternalRiskEstimate", "MSinceOldestTradeOpen", "MSinceMostRecentTradeOpen", "AverageMInFile"),
        *("NumSatisfactoryTrades", "NumTrades60Ever2DerogPubRec", "NumTrades90Ever2DerogPubRec"),
        *("PercentTradesNeverDelq", "MSinceMostRecentDelq", "MaxDelq2PublicRecLast12M", "MaxDelqEver"),
        *("NumTotalTrades", "NumTradesOpeninLast12M", "PercentInstallTrades", "MSinceMostRecentInqexcl7days"),
        *("NumInqLast6M", "NumInqLast6Mexcl7days", "NetFractionRevolvingBurden", "NetFractionInstallBurden"),
        *("NumRevolvingTradesWBalance", "NumInstallTradesWBalance", "NumBank2NatlTradesWHighUtilization"),
        "PercentTradesWBalance",
    ),
)

GERMAN = DataSet(
    name="german_credit",
    title="Loans of a German bank, 1973 to 1975",
    rows=published("german_credit"),
    id="id",
    target=Target("creditability", bad=("bad",), good=("good",)),
    split=Hashed("id"),
    numbers=(
        *("duration_in_month", "credit_amount", "installment_rate_in_percentage_of_disposable_income"),
        *("present_residence_since", "number_of_existing_credits_at_this_bank"),
        "number_of_people_being_liable_to_provide_maintenance_for",
    ),
    categories=(
        *("status_of_existing_checking_account", "credit_history", "purpose", "savings_account_and_bonds"),
        *("present_employment_since", "other_debtors_or_guarantors", "property", "other_installment_plans"),
        *("housing", "job", "telephone"),
    ),
    protected=("age_in_years", "personal_status_and_sex", "foreign_worker"),
)

BERKA = DataSet(
    name="berka",
    title="Loans of a Czech bank, with what the account did before",
    rows=berka.rows,
    id="loan_id",
    target=Target("status", bad=("B", "D"), good=("A", "C")),
    split=Hashed("loan_id"),
    decided=("date", "%y%m%d"),
    numbers=(
        *("amount", "duration", "payments", "n_people", *berka.HISTORY),
        *("A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12", "A14", "A15"),
    ),
    flags=("has_card",),
    categories=("frequency", "A3"),
    years=(Years("account_years", "opened", "%y%m%d", "date"),),
    left_out={
        "A key.": ("account_id", "district_id", "A1"),
        "Finer than the region, and as many as there are loans to each.": ("A2",),
        "Jobless people and crimes of 1996, later than some of the loans.": ("A13", "A16"),
    },
    missing=("?",),
)

ENDED_EARLY = ((r"\((?:Canceled|Suspended)\)", "The platform adds it to the title of a campaign that has ended early"),)
FEW_COLUMNS = ("goal", "duration"), ("mainCategory", "continent")
CROWDFUNDING = DataSet(
    name="crowdfunding",
    title="Campaigns for money, four columns",
    rows=published("crowdfunding"),
    id="id",
    target=Target("success", bad=("0",), good=("1",)),
    split=Hashed("id"),
    decided=("startDate", "%m/%d/%y %H:%M"),
    numbers=FEW_COLUMNS[0],
    categories=FEW_COLUMNS[1],
    narratives=("campaignTitle", "description"),
    strip=ENDED_EARLY,
)

CROWDFUNDING_ALL = DataSet(
    name="crowdfunding_all",
    title="Campaigns for money, all honest columns",
    rows=published("crowdfunding"),
    id="id",
    target=Target("success", bad=("0",), good=("1",)),
    split=Hashed("id"),
    decided=("startDate", "%m/%d/%y %H:%M"),
    numbers=(
        *FEW_COLUMNS[0],
        *("totWordCount", "numImages", "numAdditionalVideos", "numPerks", "lowestPerk", "highestPerk", "medianPerk"),
        *("lowestPerkPriceOriginal", "estimatedDelivery", "shippingWorld", "facebookFriends", "backed", "created"),
        *("experience", "numCollaborators", "numCompetitors"),
    ),
    flags=("mainVideo", "viewGallery", "noFacebookFriends"),
    categories=(*FEW_COLUMNS[1], "category", "countryState"),
    narratives=("campaignTitle", "description"),
    strip=ENDED_EARLY,
    left_out={
        LATER: (
            *("totalPledge", "percentageGoal", "totalNumberBackers", "numComments", "numUpdates", "overPaying"),
            *("aggregatedPerkValue", "canceled", "endDate"),
        ),
        "Counts this campaign too, or was changed while it ran.": (
            *("numSuccessfulCampaigns", "pastSuccessRate", "comments", "addedPerks", "averageBackersRequired"),
            *("numLiveCampaigns", "projectsWeLove"),
        ),
        "Another column says it.": ("joinKS", "location", "city", "currency"),
    },
)

COMPLAINTS = DataSet(
    name="complaints",
    title="Complaints to a consumer bureau, all products, with a narrative",
    rows=_complaints,
    id="Complaint ID",
    target=RELIEF,
    split=Hashed("Complaint ID"),
    decided=("Date received", "%Y-%m-%d"),
    categories=("Product", "Sub-product", "Issue", "Sub-issue", "Company", "State"),
    narratives=(COMPLAINT,),
    protected=("Tags",),
    left_out={
        LATER: ("Company public response", "Date sent to company", "Timely response?", "Consumer disputed?"),
        CONSTANT: ("Consumer consent provided?", "Submitted via"),
    },
)

LOAN_COMPLAINTS = DataSet(
    name="loan_complaints",
    title="Complaints to a consumer bureau on payday, title and personal loans",
    rows=published("loan_complaints"),
    id="Complaint ID",
    target=RELIEF,
    split=Since("Date received", "%m/%d/%y", "2023-06-16"),
    decided=("Date received", "%m/%d/%y"),
    categories=("Sub-product", "Issue", "Sub-issue", "Company", "State"),
    narratives=(COMPLAINT,),
    protected=("Tags",),
    left_out={
        LATER: ("Company public response", "Date sent to company", "Timely response?", "Consumer disputed?"),
        CONSTANT: ("Product", "Consumer consent provided?", "Submitted via"),
    },
    missing=("None",),
)

CLOTHING = DataSet(
    name="clothing_reviews",
    title="Reviews of clothes: recommended or not",
    rows=published("clothing_reviews"),
    id="review_id",
    target=Target("Recommended IND", bad=("0",), good=("1",)),
    split=Hashed("review_id"),
    categories=("Clothing ID", "Division Name", "Department Name", "Class Name"),
    narratives=("Title", "Review Text"),
    protected=("Age",),
    left_out={LATER: ("Positive Feedback Count",), "Nearly the outcome itself.": ("Rating",)},
)

JOB_FRAUD = DataSet(
    name="job_fraud",
    title="Job advertisements: fraudulent or not",
    rows=published("job_fraud"),
    id="id",
    target=Target("fraudulent", bad=("1",), good=("0",)),
    split=Hashed("id"),
    flags=("telecommuting", "has_company_logo", "has_questions"),
    categories=(
        *("employment_type", "required_experience", "required_education", "industry", "function", "department"),
        "salary_range",
    ),
    narratives=("title", "company_profile", "description", "requirements", "benefits"),
)

SMS = DataSet(
    name="sms_spam",
    title="Text messages: spam or not",
    rows=published("sms_spam"),
    id="id",
    target=Target("label", bad=("spam",), good=("ham",)),
    split=Hashed("text"),
    narratives=("text",),
)

PHRASEBANK = DataSet(
    name="financial_phrasebank",
    title="Sentences of financial news: negative or not",
    rows=published("financial_phrasebank"),
    id="id",
    target=Target("labels", bad=("negative",), good=("neutral", "positive")),
    split=Hashed("sentence"),
    narratives=("sentence",),
)

SETS = (
    *(LENDING_CLUB, LENDING_CLUB_RAW, TAIWAN, SBA, HELOC, GERMAN, BERKA, CROWDFUNDING, CROWDFUNDING_ALL),
    *(LOAN_COMPLAINTS, COMPLAINTS, CLOTHING, JOB_FRAUD, SMS, PHRASEBANK),
)
"""Every set: credit first, then text that decides."""
