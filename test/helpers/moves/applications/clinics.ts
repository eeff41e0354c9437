// Clinics: doctors work at several, medicines and diagnoses are everybody's, patients are merged
// into others, and results belong to an appointment by a key of two columns.
import type { RealApplication } from './real-application.ts'

export const clinics: RealApplication = {
  tenantTable: 'clinics',
  tenant: '1',
  schema: [
    `create table clinics (id int primary key, name text)`,
    `create table specialties (code text primary key, name text)`,
    `create table doctors (id bigint primary key, licence text not null unique,
      specialty text not null references specialties)`,
    `create table affiliations (clinic_id int not null references clinics,
      doctor_id bigint not null references doctors, primary key (clinic_id, doctor_id))`,
    `create table patients (id bigint primary key, clinic_id int not null references clinics,
      merged_into bigint references patients, born date, doctor_id bigint references doctors)`,
    `create table appointments (clinic_id int not null references clinics, no int,
      patient_id bigint not null references patients, doctor_id bigint not null references doctors,
      during tstzrange not null, primary key (clinic_id, no))`,
    `create table results (id bigint primary key, clinic_id int not null, appointment_no int not null,
      parent_id bigint references results, value numeric,
      foreign key (clinic_id, appointment_no) references appointments)`,
    `create table medicines (code text primary key, name text)`,
    `create table prescriptions (id bigint primary key,
      patient_id bigint not null references patients on delete cascade)`,
    `create table prescription_items (prescription_id bigint not null references prescriptions on delete cascade,
      medicine text not null references medicines, dose text, primary key (prescription_id, medicine))`,
    `create table consents (patient_id bigint primary key references patients on delete cascade, document xml)`,
    `create table shifts (doctor_id bigint references doctors, day date, primary key (doctor_id, day))`,
    `create index on patients (merged_into)`,
  ],
  seed: `
    insert into clinics values (1, 'north'), (2, 'south');
    insert into specialties values ('gp', 'general'), ('ent', 'ears');
    insert into doctors select g, 'L' || g, case when g % 2 = 0 then 'gp' else 'ent' end from generate_series(1, 6) g;
    insert into affiliations select 1 + g % 2, g from generate_series(1, 6) g;
    insert into affiliations values (1, 1);
    insert into patients select g, 1 + g % 2, null, date '1970-01-01' + g, 1 + g % 6 from generate_series(1, 12) g;
    update patients set merged_into = id - 2 where id in (9, 10);
    insert into appointments select clinic_id, id, id, 1 + id % 6, tstzrange('2026-01-01', '2026-01-02')
      from patients;
    insert into results select g, 1 + g % 2, g, null, g * 1.5 from generate_series(1, 12) g;
    insert into results select 20 + g, 1 + g % 2, g, g, g from generate_series(1, 12) g;
    insert into medicines select 'M' || g, 'medicine' from generate_series(1, 9) g;
    insert into prescriptions select g, g from generate_series(1, 12) g;
    insert into prescription_items select g, 'M' || 1 + g % 9, '1 a day' from generate_series(1, 12) g;
    insert into consents select g, '<yes/>' from generate_series(1, 12) g;
    insert into shifts values (1, '2026-01-01')`,
  everybodys: ['doctors', 'specialties', 'medicines'],
  lines: [
    `table('prescription_items', { through: 'prescription_id' })`,
    `shared('specialties', { referencedBy: 'doctors.specialty' })`,
    `shared('medicines', { referencedBy: 'prescription_items.medicine' })`,
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into specialties values ('s${i}', 'new')`,
      `insert into doctors values (${id}, 'N${i}', 's${i}')`,
      `insert into affiliations values (1, ${id})`,
      `insert into patients values (${id}, 1, null, '2000-01-01', ${id}), (${id + 1}, 1, ${id}, null, null)`,
      `insert into appointments values (1, ${id}, ${id}, ${id}, '[2026-02-01,2026-02-02)')`,
      `insert into results values (${id}, 1, ${id}, null, ${i}), (${id + 1}, 1, ${id}, ${id}, ${i})`,
      `insert into medicines values ('N${i}', 'new')`,
      `insert into prescriptions values (${id}, ${id + 1})`,
      `insert into prescription_items values (${id}, 'N${i}', 'two'), (2, 'N${i}', 'more')`,
      `update results set value = value + 1 where id in (2, ${id - 10})`,
      `update patients set merged_into = ${id} where id in (4, ${id - 9})`,
      `update appointments set during = '[2026-03-01,2026-03-02)' where no in (2, ${id - 20}) and clinic_id = 1`,
      ...(i % 4 === 3
        ? [
            `delete from results where id = ${id - 19}`,
            `delete from prescriptions where id = ${id - 10}`,
          ]
        : []),
    ]
  },
}
